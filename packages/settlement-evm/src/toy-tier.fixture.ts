import type { Chain } from '@veristack/chain-evm'
import { developmentAccounts } from '@veristack/chain-evm/local'
import type {
  Artefacts,
  Call,
  EscrowJob,
  EvidenceKind,
  OnChain,
  Plugin,
  Receipt,
  SettleJob,
  Settler,
} from '@veristack/core'
import {
  type Commitment,
  claimDigest,
  commitmentsDigest,
  type Digest,
  type Hex,
  jsonDigest,
  keccakText,
  localSigner,
  makeRequest,
  type Policy,
  type ProgramId,
  policyDigest,
  type Requirement,
  requirementDigest,
  termsDigest,
  toHex,
} from '@veristack/core'
import type { EvmPlugin } from './index.ts'

/** For tests: a tier whose verifier contract is a few bytes of code that say what the test wants to hear. */

export const digest = (name: string) => toHex(keccakText(name)) as Digest
export const KIND: EvidenceKind = 'toy/answers'
export const PRICE = 10n ** 15n

/** Runtime code that answers `status` and `finalAt` to everything, behind a constructor that returns it. */
export function answering(status: number, finalAt = 0n): Hex {
  const runtime = `60${status.toString(16).padStart(2, '0')}60005267${finalAt.toString(16).padStart(16, '0')}60205260406000f3`
  const size = (runtime.length / 2).toString(16).padStart(2, '0')
  return `0x60${size}600c60003960${size}6000f3${runtime}`
}
/** Accepts evidence whose first byte is 1: calldata's tenth word says where the evidence begins. */
export const firstByteIsOne: Hex = '0x6019600c60003960196000f3'.concat(
  '610144356024013560001a600114600202600052',
  '60406000f3',
) as Hex

export const adapter = (bytecode: Hex): OnChain => ({
  kind: KIND,
  proofSystem: 'toy',
  deployment: async () => ({ bytecode, constructorArgs: '0x' }),
  params: () => '0x01',
  encode: (_signed, _outputs, evidence) => toHex(evidence.payload),
})
export const artefacts: Artefacts = {
  kind: KIND,
  program: digest('program') as Hex as ProgramId,
  anchor: digest('anchor'),
  origin: 'none',
  blobs: {},
}
export const call = (): Call => ({ signal: new AbortController().signal, idempotencyKey: 'test', progress: () => {} })
const [first, second, third] = developmentAccounts
if (first === undefined || second === undefined || third === undefined) throw new Error('no accounts')
export const [payer, claimantAccount, stranger] = [first, second, third]
export const claimant = localSigner(claimantAccount.privateKey)

/** What a stack does with a plugin. */
export async function started(plugin: EvmPlugin): Promise<Settler> {
  let settler: Settler | undefined
  const unused = () => {
    throw new Error('unused')
  }
  plugin.register({
    use: unused,
    all: unused,
    provide: (role, make) => {
      if (role === 'settler') settler = make({ use: unused, all: unused, provide: unused }) as Settler
    },
  })
  await (plugin as Plugin).start?.(new AbortController().signal)
  if (settler === undefined) throw new Error('no settler')
  return settler
}

const inputs: readonly Commitment[] = [{ tensor: 'x', scheme: 'raw/v1', value: `0x${'00'.repeat(31)}05` }]
export const outputsOf = (label: number): readonly Commitment[] => [
  { tensor: 'int32[1]:label', scheme: 'raw/v1', value: `0x${label.toString(16).padStart(64, '0')}` },
]

export interface Scene {
  readonly escrow: EscrowJob
  readonly policy: Policy
  job(label?: number, signer?: typeof claimant): Promise<SettleJob>
}

export async function scene(
  settler: Settler,
  chain: Chain,
  bytecode: Hex,
  nonce: number,
  options = {},
): Promise<Scene> {
  const onchain = adapter(bytecode)
  const policy: Policy = { tier: 'toy', offchain: {}, ...(await settler.pin(artefacts, onchain, call())) }
  const requirement: Requirement = { tier: 'toy', policy: policyDigest(policy) }
  const terms = settler.terms(options)
  const application = { featuriser: 'none' }
  const request = makeRequest({
    program: artefacts.program,
    inputs: commitmentsDigest(inputs),
    requirement: requirementDigest(requirement),
    terms: termsDigest({ application, settlement: terms.digest }),
    payer: settler.payer,
    priceWei: PRICE,
    nonce: `0x${nonce.toString(16).padStart(64, '0')}`,
    chainId: settler.chainId,
    contract: settler.contract,
    expiresAt: (await chain.now()).timestamp + 3600n,
  })
  const escrow: EscrowJob = { request, requirement, policies: [policy], application: jsonDigest(application), terms }
  return {
    escrow,
    policy,
    job: async (label = 7, signer = claimant) => {
      const outputs = outputsOf(label)
      const claim = {
        request: request.id,
        program: request.program,
        inputs: request.inputs,
        outputs: commitmentsDigest(outputs),
        requirement: request.requirement,
        claimant: signer.address,
        chainId: request.chainId,
        contract: request.contract,
        expiresAt: request.expiresAt,
      }
      const signature = await signer.sign(claimDigest(claim))
      const receipt: Receipt = {
        version: 1,
        request,
        requirement,
        policies: [policy],
        terms: { application, settlement: terms.digest },
        signed: { claim, inputs, outputs, signature },
        outputs: [],
        salts: {},
        evidence: [{ kind: KIND, version: 1, claim: claimDigest(claim), payload: Uint8Array.of(1, 2, 3), blobs: [] }],
        settlements: [],
      }
      return { ...escrow, receipt, onchain: new Map([[KIND, onchain]]) }
    },
  }
}
