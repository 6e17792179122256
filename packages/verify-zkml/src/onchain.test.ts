import {
  type Chain,
  checkCode,
  claimVerifierAbi,
  connect,
  deploy,
  laneOf,
  privateKeyAccount,
  read,
  revertName,
} from '@veristack/chain-evm'
import { type Anvil, developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import {
  type Address,
  type Artefacts,
  type Claim,
  claimDigest,
  commitmentsDigest,
  type Digest,
  type Evidence,
  type Hex,
  isVeristackError,
  keccakText,
  type ProgramId,
  parseAddress,
  type RequestId,
  type SignedClaim,
  toHex,
} from '@veristack/core'
import { onchainSuite } from '@veristack/core/testing'
import { EVIDENCE_KIND } from './evidence.ts'
import { proofBytes, verifyingKeyBytes } from './groth16/bytes.ts'
import { refuseProof } from './groth16/verify.ts'
import { groth16OnChain, type VerifierParameters, verifierCode, verifierCodeHash } from './onchain.ts'
import { simulatedKey, simulateProof } from './testing/groth16-simulator.ts'

const digest = (name: string) => toHex(keccakText(name)) as Digest
const word = (n: bigint): Hex => `0x${BigInt.asUintN(256, n).toString(16).padStart(64, '0')}`
const INPUT = 0x1111n
const LOGITS = 0x2222n

const parameters: VerifierParameters = {
  program: digest('program') as Hex as ProgramId,
  circuitId: digest('circuit'),
  verifyingKey: verifyingKeyBytes(simulatedKey(5)),
  layout: {
    inputs: [{ tensor: 'features', scheme: 'poseidon-bn254/v1', count: 4 }],
    outputs: [
      { tensor: 'logits', scheme: 'poseidon-bn254/v1', count: 3 },
      { tensor: 'label', scheme: 'raw/v1', count: 1 },
    ],
  },
  development: true,
}
const artefacts: Artefacts = {
  kind: EVIDENCE_KIND,
  program: parameters.program,
  anchor: digest('anchor'),
  origin: 'development',
  blobs: {},
}
const onchain = groth16OnChain({
  parameters: async () => parameters,
  proof: (e) => (e.payload.length === 256 ? e.payload : undefined),
})

function signedFor(change: Partial<Claim> = {}, label = 7n): SignedClaim {
  const inputs = [{ tensor: 'features', scheme: 'poseidon-bn254/v1', value: word(INPUT) }]
  const outputs = [
    { tensor: 'logits', scheme: 'poseidon-bn254/v1', value: word(LOGITS) },
    { tensor: 'label', scheme: 'raw/v1', value: word(label) },
  ]
  const claim: Claim = {
    request: digest('request') as Hex as RequestId,
    program: parameters.program,
    inputs: commitmentsDigest(inputs),
    outputs: commitmentsDigest(outputs),
    requirement: digest('requirement'),
    claimant: parseAddress(`0x${'aa'.repeat(20)}`),
    chainId: 31337n,
    contract: parseAddress(`0x${'bb'.repeat(20)}`),
    expiresAt: 1_800_000_000n,
    ...change,
  }
  return { claim, inputs, outputs, signature: '0x' }
}

function signalsOf({ claim }: SignedClaim, label = 7n): bigint[] {
  const d = BigInt(claimDigest(claim))
  return [d >> 128n, d & ((1n << 128n) - 1n), INPUT, LOGITS, label]
}

const evidenceOf = (signals: readonly bigint[], a?: bigint): Evidence => ({
  kind: EVIDENCE_KIND,
  version: 1,
  claim: digest('unused'),
  payload: proofBytes(simulateProof(signals, a)),
  blobs: [],
})

describe('Groth16 verifier contract', () => {
  let anvil: Anvil
  let chain: Chain
  let verifier: Address

  beforeAll(async () => {
    anvil = await startAnvil()
    chain = await connect({ rpcUrl: anvil.rpcUrl })
    const [account] = developmentAccounts
    if (account === undefined) throw new Error('no account')
    const lane = laneOf(chain, await privateKeyAccount(account.privateKey))
    const creation = await onchain.deployment(artefacts, chain.chainId)
    verifier = (await deploy(lane, { ...creation, name: 'verifier' })).address
  })
  afterAll(async () => {
    chain.close()
    await anvil.stop()
  })

  const check = async (signed: SignedClaim, evidence: Hex): Promise<bigint> => {
    const { contract, ...rest } = signed.claim
    const [status] = await read(chain, {
      address: verifier,
      abi: claimVerifierAbi,
      name: 'check',
      args: [{ ...rest, verifyingContract: contract }, '0x', evidence],
    })
    return BigInt(String(status))
  }

  test('accepts what the verifier in TypeScript accepts, and a rerandomised proof of it', async () => {
    const signed = signedFor()
    for (const a of [23n, 29n]) {
      expect(refuseProof(simulatedKey(5), signalsOf(signed), simulateProof(signalsOf(signed), a))).toBeUndefined()
      expect(await check(signed, onchain.encode(signed, [], evidenceOf(signalsOf(signed), a)))).toBe(2n)
    }
  })

  test('takes negative outputs as field elements below r', async () => {
    const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n
    const signed = signedFor({}, -5n)
    expect(await check(signed, onchain.encode(signed, [], evidenceOf(signalsOf(signed, r - 5n))))).toBe(2n)
  })

  test('rejects the proof for a claim that differs in any member', async () => {
    const signed = signedFor()
    const evidence = evidenceOf(signalsOf(signed))
    const changes: readonly Partial<Claim>[] = [
      { request: digest('x') as Hex as RequestId },
      { program: digest('x') as Hex as ProgramId },
      { inputs: digest('x') },
      { outputs: digest('x') },
      { requirement: digest('x') },
      { claimant: parseAddress(`0x${'cc'.repeat(20)}`) },
      { chainId: 1n },
      { contract: parseAddress(`0x${'cc'.repeat(20)}`) },
      { expiresAt: 1n },
    ]
    for (const change of changes) {
      const other = signedFor(change)
      expect(await check(other, onchain.encode(other, [], evidence))).toBe(0n)
    }
  })

  test('has the code that is computed without a chain', async () => {
    const hash = await checkCode(chain, { name: 'verifier', address: verifier, code: verifierCode(parameters) })
    expect(hash).toBe(verifierCodeHash(parameters))
  })

  test('is not deployed with a key that nobody contributed to', async () => {
    const key = simulatedKey(5)
    const adapter = groth16OnChain({
      parameters: async () => ({ ...parameters, verifyingKey: verifyingKeyBytes({ ...key, delta: key.gamma }) }),
      proof: () => undefined,
    })
    const { bytecode, constructorArgs } = await adapter.deployment(artefacts, 31337n)
    const from = developmentAccounts[0]?.address
    const why = await chain
      .rpc('eth_call', [{ from, data: bytecode + constructorArgs.slice(2) }, 'latest'])
      .catch((e: unknown) => e)
    expect(isVeristackError(why, 'VS_EVM_RPC') && why.details.data).toBe(
      toHex(keccakText('KeyWithoutContribution()')).slice(0, 10),
    )
    expect(revertName(why)).toBeUndefined()
  })
})

test('a development key is refused for a chain that is not local, before anything is sent', async () => {
  await expect(onchain.deployment(artefacts, 1n)).rejects.toMatchObject({ code: 'VS_ZKML_KEY_REFUSED' })
})

test('malformed evidence and lists are refused', () => {
  const signed = signedFor()
  const evidence = evidenceOf(signalsOf(signed))
  const refused = (s: SignedClaim, e: Evidence) =>
    expect(() => onchain.encode(s, [], e)).toThrow(/whole 32-byte words|commitment|a proof/)
  refused(signed, { ...evidence, payload: evidence.payload.slice(1) })
  refused({ ...signed, inputs: [] }, evidence)
  refused({ ...signed, inputs: [...signed.inputs, ...signed.inputs] }, evidence)
  refused({ ...signed, outputs: [...signed.outputs, ...signed.outputs] }, evidence)
  refused({ ...signed, outputs: [{ tensor: 'label', scheme: 'raw/v1', value: '0x01' }] }, evidence)
  refused({ ...signed, outputs: [{ tensor: 'label', scheme: 'raw/v1', value: '0x' }] }, evidence)
})

onchainSuite({
  runner: { describe, test },
  make: () => onchain,
  fixture: () => {
    const [signed, other] = [signedFor(), signedFor({ requirement: digest('other') })]
    return {
      artefacts,
      signed,
      outputs: [],
      evidence: evidenceOf(signalsOf(signed)),
      other: { signed: other, outputs: [], evidence: evidenceOf(signalsOf(other)) },
    }
  },
})
