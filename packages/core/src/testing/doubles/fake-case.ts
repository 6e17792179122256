import { memoryBlobs } from '../../blobs/memory.ts'
import {
  type Commitment,
  claimDigest,
  commitmentKey,
  commitmentsDigest,
  type Hex,
  jsonDigest,
  localSigner,
  makeRequest,
  type Policy,
  policyDigest,
  RAW_SCHEME,
  type Requirement,
  rawCommitment,
  requirementDigest,
  type SignedClaim,
  type Signer,
  type Tensor,
  tensor,
  tensorSpec,
  termsDigest,
  toHex,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '../../claim/index.ts'
import type { Artefacts, ProveJob, SettleJob, Settler } from '../../plugin/roles.ts'
import type { Receipt } from '../../receipt/receipt.ts'
import type { Evidence, VerifyContext } from '../../receipt/verdict.ts'
import type { ExecutorFixture } from '../executor.ts'
import type { OnChainFixture } from '../onchain.ts'
import { type ProverFixture, quietCall } from '../prover.ts'
import type { SettlerFixture } from '../settler.ts'
import type { VerifierFixture } from '../verifier.ts'
import { fakeProgram } from './fake-executor.ts'
import {
  FAKE_KIND,
  FAKE_SCHEME,
  FAKE_TIER,
  fakeCommitter,
  fakeOnChain,
  fakePayload,
  fakeProver,
  fakeVerifier,
} from './fake-tier.ts'

/** Everything about one request of the fake program, honest throughout, for fixtures. */
export interface FakeCase {
  readonly job: ProveJob
  readonly artefacts: Artefacts
  readonly evidence: Evidence
  readonly receipt: Receipt
}

interface CaseOptions {
  readonly seed?: number
  readonly settler?: Settler
  /** Commits to `outputs` in raw/v1, and to these in the fake scheme. */
  readonly second?: readonly Tensor[]
}

const claimant: Signer = localSigner(`0x${'c1'.repeat(32)}`)
const SALT: Hex = `0x00${'5a'.repeat(31)}`

export const fakeInputs = (seed = 0): readonly Tensor[] => [tensor('x', 'int32', [2], [seed, -7])]
export const fakeOutputs = (seed = 0): readonly Tensor[] => [tensor('y', 'int32', [2], [2 * seed + 1, -13])]

const storedProgram = async () => {
  const { id, semantics, bytes } = fakeProgram()
  return { id, semantics, blob: await memoryBlobs().put(bytes, 'application/vnd.veristack.program') }
}

export async function fakeCase({ seed = 0, settler, second }: CaseOptions = {}): Promise<FakeCase> {
  const program = await storedProgram()
  const setup = fakeProver().setup
  if (setup === undefined) throw new TypeError('the fake prover has a setup')
  const artefacts = await setup(program, quietCall())
  const pinned =
    settler === undefined
      ? { verifier: ZERO_ADDRESS, codeHash: ZERO_DIGEST, params: '0x' as const }
      : await settler.pin(artefacts, fakeOnChain(), quietCall())
  const policy: Policy = { tier: FAKE_TIER, offchain: {}, ...pinned }
  const requirement: Requirement = { tier: FAKE_TIER, policy: policyDigest(policy) }
  const terms = { application: {}, settlement: settler?.terms({}).digest ?? ZERO_DIGEST }
  const [inputs, outputs] = [fakeInputs(seed), fakeOutputs(seed)]
  const raw = (list: readonly Tensor[]): readonly Commitment[] =>
    list.map((t) => ({ tensor: tensorSpec(t), scheme: RAW_SCHEME, value: rawCommitment(t) }))
  const inputList = raw(inputs)
  const request = makeRequest({
    program: program.id,
    inputs: commitmentsDigest(inputList),
    requirement: requirementDigest(requirement),
    terms: termsDigest(terms),
    payer: settler?.payer ?? claimant.address,
    priceWei: 1_000n,
    nonce: toHex(new Uint8Array(32).fill(seed)),
    chainId: settler?.chainId ?? 0n,
    contract: settler?.contract ?? ZERO_ADDRESS,
    expiresAt: 4_000_000_000n,
  })
  const salts = Object.fromEntries(
    outputs.map((t) => [commitmentKey({ scheme: FAKE_SCHEME, tensor: tensorSpec(t) }), SALT]),
  )
  const committed = await Promise.all(
    (second ?? outputs).map(async (t) => ({
      tensor: tensorSpec(t),
      scheme: FAKE_SCHEME,
      value: await fakeCommitter().commit(program, [t], SALT),
    })),
  )
  const outputList = [...raw(outputs), ...committed]
  const claim = {
    request: request.id,
    program: program.id,
    inputs: request.inputs,
    outputs: commitmentsDigest(outputList),
    requirement: request.requirement,
    claimant: claimant.address,
    chainId: request.chainId,
    contract: request.contract,
    expiresAt: request.expiresAt,
  }
  const signature = await claimant.sign(claimDigest(claim))
  const signed: SignedClaim = { claim, inputs: inputList, outputs: outputList, signature }
  const executions = [{ executor: claimant.address, outputs, attachments: {} }] as const
  const job: ProveJob = { request, policies: [policy], signed, program, inputs, executions, salts, artefacts }
  const evidence = second === undefined ? await fakeProver().prove(job, quietCall()) : await forgery(signed, claimant)
  return {
    job,
    artefacts,
    evidence,
    receipt: {
      version: 1,
      request,
      requirement,
      policies: [policy],
      terms,
      signed,
      outputs,
      salts,
      evidence: [evidence],
      settlements: [],
    },
  }
}

/** Well-formed evidence of a claim, by whoever signs. */
async function forgery(signed: SignedClaim, by: Signer): Promise<Evidence> {
  const claim = claimDigest(signed.claim)
  return { kind: FAKE_KIND, version: 1, claim, payload: await fakePayload(claim, by), blobs: [] }
}

const leafOf = ({ job }: FakeCase) => {
  const [policy] = job.policies
  if (policy === undefined) throw new TypeError('the fake case has a policy')
  return { leaf: { tier: policy.tier, policy: policyDigest(policy) }, policy }
}

const contextOf = ({ artefacts }: FakeCase): VerifyContext => ({
  now: 1_700_000_000n,
  policy: {},
  anchors: (program, kind) =>
    program === artefacts.program && kind === FAKE_KIND ? [{ digest: artefacts.anchor, origin: artefacts.origin }] : [],
})

const subjectOf = ({ receipt }: FakeCase) => ({
  signed: receipt.signed,
  outputs: receipt.outputs,
  salts: receipt.salts,
})

/** Fixtures of the fake tier for the suites. */
export const fakeFixtures = {
  executor: async (): Promise<ExecutorFixture> => {
    const [a, b] = [await fakeCase(), await fakeCase({ seed: 1 })]
    return {
      program: a.job.program,
      inputs: a.job.inputs,
      expected: fakeOutputs(),
      requests: [a.job.request, b.job.request],
    }
  },
  committer: async () => ({ program: await storedProgram(), tensors: fakeOutputs(), others: fakeOutputs(1) }),
  prover: async (): Promise<ProverFixture> => {
    const [a, b] = [await fakeCase(), await fakeCase({ seed: 1 })]
    return {
      job: a.job,
      other: b.job,
      need: { program: a.job.program, ...leafOf(a), inputShapes: { x: [2] } },
      verifier: fakeVerifier(),
      context: contextOf(a),
      twoOutputs: (await fakeCase({ second: fakeOutputs(1) })).job,
    }
  },
  verifier: async (): Promise<VerifierFixture> => {
    const [a, b] = [await fakeCase(), await fakeCase({ seed: 1 })]
    return {
      subject: subjectOf(a),
      evidence: a.evidence,
      context: contextOf(a),
      other: { subject: subjectOf(b), evidence: b.evidence },
      forgeries: [
        await forgery(a.receipt.signed, claimant),
        await forgery(a.receipt.signed, localSigner(`0x${'0b'.repeat(32)}`)),
      ],
      unmet: [{ origin: 'ceremony' }],
    }
  },
  onchain: async (): Promise<OnChainFixture> => {
    const [a, b] = [await fakeCase(), await fakeCase({ seed: 1 })]
    const part = (c: FakeCase) => ({ signed: c.receipt.signed, outputs: c.receipt.outputs, evidence: c.evidence })
    return { artefacts: a.artefacts, ...part(a), other: part(b) }
  },
  settler: async (settler: Settler): Promise<SettlerFixture> => {
    const { receipt } = await fakeCase({ settler })
    const { request, requirement, policies, terms } = receipt
    const job: SettleJob = {
      request,
      requirement,
      policies,
      application: jsonDigest(terms.application),
      terms: settler.terms({}),
      receipt,
      onchain: new Map([[FAKE_KIND, fakeOnChain()]]),
    }
    return { job, forged: { ...job, receipt: { ...receipt, evidence: [await forgery(receipt.signed, claimant)] } } }
  },
}
