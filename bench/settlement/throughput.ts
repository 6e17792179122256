import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, connect, deploy, encodeCall, type Lane, laneOf, privateKeyAccount } from '@veristack/chain-evm'
import { developmentAccounts, startAnvil } from '@veristack/chain-evm/local'
import {
  claimDigest,
  commitmentsDigest,
  type Hex,
  jsonDigest,
  keccakText,
  localSigner,
  makeRequest,
  type Policy,
  type ProgramId,
  parseDigest,
  policyDigest,
  type Requirement,
  requirementDigest,
  termsDigest,
  toHex,
} from '@veristack/core'
import { agreeTerms, creditOf, deployContracts, orderOf, settlementAbi } from '@veristack/settlement-evm'
import { policyArguments, requirementArguments } from '../../packages/settlement-evm/src/order.ts'
import { atLeast, atMost, type Row, reported } from '../../scripts/measure.ts'
import { compileBenchContract } from './compile.ts'

const SECONDS = 60
/** Offered to the lane each second; a little above what is asked for. */
const OFFERED = 170
const ASKED = 150
const BLOCK_GAS = 30_000_000
const SETUP_BLOCK_GAS = 300_000_000
/** Above what each takes; given, so that the chain does not run every call twice. */
const REQUEST_GAS = 150_000n
const SUBMIT_GAS = 200_000n
const PRICE_WEI = 10n ** 9n
const [payer, other] = developmentAccounts

interface Submission {
  readonly key: string
  readonly request: Hex
  readonly submit: Hex
}

/**
 * Submissions of one signer for `duration` seconds, 30 M-gas blocks every second, a journal on disk, and a verifier that
 * checks one signature.
 */
export async function* throughput(progress: (text: string) => void, duration = SECONDS): AsyncIterable<Row> {
  if (payer === undefined || other === undefined) throw new Error('no accounts')
  const directory = await mkdtemp(join(tmpdir(), 'veristack-bench-'))
  await using anvil = await startAnvil({ args: ['--gas-limit', String(BLOCK_GAS)] })
  const chain = await connect({ rpcUrl: anvil.rpcUrl })
  const account = await privateKeyAccount(payer.privateKey)
  const lane = laneOf(chain, account, { journalDirectory: directory })
  try {
    progress('compiling and deploying')
    const { settlement } = await deployContracts(lane)
    const creation = { bytecode: compileBenchContract('SignatureVerifier'), name: 'signature verifier' }
    const verifier = await deploy(lane, creation)
    const claimant = localSigner(other.privateKey)
    const policy: Policy = {
      tier: 'signature',
      verifier: verifier.address,
      codeHash: parseDigest(verifier.codeHash),
      params: `0x${'00'.repeat(12)}${claimant.address.slice(2)}`,
      offchain: {},
    }
    const total = duration * OFFERED
    progress(`signing ${total} claims`)
    const submissions = await prepare(chain, settlement, policy, payer.address, claimant, total)

    progress(`placing ${total} requests`)
    await chain.rpc('evm_setBlockGasLimit', [`0x${SETUP_BLOCK_GAS.toString(16)}`])
    await chain.rpc('evm_setIntervalMining', [1])
    const common = { to: settlement, abi: settlementAbi }
    await Promise.all(
      submissions.map((s) =>
        lane.send({ ...common, data: s.request, valueWei: PRICE_WEI, name: 'request', gasLimit: REQUEST_GAS }),
      ),
    )
    await chain.rpc('evm_setBlockGasLimit', [`0x${BLOCK_GAS.toString(16)}`])

    progress(`submitting ${OFFERED} a second for ${duration} s`)
    const send = (s: Submission) =>
      lane.send({ ...common, data: s.submit, name: 'submit', idempotencyKey: s.key, gasLimit: SUBMIT_GAS })
    const before = await nonceOf(chain, account.address)
    const { seconds, mined } = await offer(submissions, send)
    const gasUsed = mined.reduce((sum, m) => sum + m.gasUsed, 0n) / BigInt(mined.length)
    const paid =
      (await creditOf({ chain, deployment: { settlement, registry: settlement } }, { account: claimant.address })) /
      PRICE_WEI
    yield atLeast('throughput, one signer, first to last counted', mined.length / seconds, 'submits/s', ASKED)
    yield atLeast('duration', seconds, 's', duration)
    yield atMost('lost', total - Number(paid), `of ${total}`, 0)
    const nonces = (await nonceOf(chain, account.address)) - before
    yield atMost('transactions beyond one for each', nonces - total, `of ${nonces}`, 0)
    yield reported('gas of such a submit', Number(gasUsed), 'gas')
  } finally {
    await lane.close()
    chain.close()
    await rm(directory, { recursive: true, force: true })
  }
}

type Sent = Awaited<ReturnType<Lane['send']>>

/** As many a second as stated, whether or not the ones before are through. */
async function offer(
  submissions: readonly Submission[],
  send: (s: Submission) => Promise<Sent>,
): Promise<{ readonly seconds: number; readonly mined: readonly Sent[] }> {
  const start = performance.now()
  const sent: Promise<Sent>[] = []
  while (sent.length < submissions.length) {
    const due = Math.min(submissions.length, Math.ceil(((performance.now() - start) / 1000) * OFFERED))
    for (const s of submissions.slice(sent.length, due)) sent.push(send(s))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const mined = await Promise.all(sent)
  return { seconds: (performance.now() - start) / 1000, mined }
}

const nonceOf = async (chain: Chain, account: string): Promise<number> =>
  Number(await chain.rpc('eth_getTransactionCount', [account, 'latest']))

async function prepare(
  chain: Chain,
  settlement: Lane['account'],
  policy: Policy,
  from: Lane['account'],
  claimant: ReturnType<typeof localSigner>,
  total: number,
): Promise<readonly Submission[]> {
  const digest = (text: string) => parseDigest(toHex(keccakText(text)))
  const requirement: Requirement = { tier: policy.tier, policy: policyDigest(policy) }
  const [terms, application] = [agreeTerms({}), {}]
  const lists = {
    inputs: [{ tensor: 'x:uint8[1]', scheme: 'raw/v1', value: `0x${'00'.repeat(31)}05` as Hex }],
    outputs: [{ tensor: 'label:uint8[1]', scheme: 'raw/v1', value: `0x${'00'.repeat(31)}07` as Hex }],
  }
  const common = {
    program: digest('program') as Hex as ProgramId,
    inputs: commitmentsDigest(lists.inputs),
    requirement: requirementDigest(requirement),
    chainId: chain.chainId,
    contract: settlement,
    expiresAt: (await chain.now()).timestamp + 86_400n,
  }
  const { leaves, formula } = requirementArguments(requirement)
  const made: Submission[] = []
  for (let i = 0; i < total; i++) {
    const request = makeRequest({
      ...common,
      terms: termsDigest({ application, settlement: terms.digest }),
      payer: from,
      priceWei: PRICE_WEI,
      nonce: digest(`request ${i}`),
    })
    const claim = {
      ...common,
      request: request.id,
      outputs: commitmentsDigest(lists.outputs),
      claimant: claimant.address,
    }
    const signature = await claimant.sign(claimDigest(claim))
    const order = orderOf({ request, terms, application: jsonDigest(application) })
    const submission = {
      leaf: 0,
      policy: policyArguments(policy),
      claimant: claimant.address,
      outputs: claim.outputs,
      signature,
      evidence: signature,
    }
    made.push({
      key: request.id,
      request: await encodeCall(settlementAbi, 'request', [order, [policyArguments(policy)], formula]),
      submit: await encodeCall(settlementAbi, 'submit', [order, { leaves, formula }, submission]),
    })
  }
  return made
}
