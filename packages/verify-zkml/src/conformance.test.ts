import {
  type Artefacts,
  type Claim,
  claimDigest,
  commitmentsDigest,
  type Evidence,
  localSigner,
  memoryBlobs,
  offchainPolicy,
  type ProveJob,
  parseAddress,
  RAW_SCHEME,
} from '@veristack/core'
import { committerSuite, onchainSuite, proverSuite, verifierSuite } from '@veristack/core/testing'
import { publicSignals } from './circuit/public-signals.ts'
import { decodeEvidence, encodeEvidence, type ZkmlEvidence } from './evidence.ts'
import { proofBytes, verifyingKeyBytes } from './groth16/bytes.ts'
import { snarkjsProver } from './groth16/snarkjs.ts'
import { simulatedKey, simulateProof } from './testing/groth16-simulator.ts'
import { smallProgram } from './testing/programs.ts'
import {
  call,
  contextFor,
  digestOf,
  features,
  jobFor,
  outputSalts,
  store,
  temporaryDirectory,
  wire,
} from './testing/stand.ts'
import { zkml } from './zkml.ts'

/** The plugin with real keys and real proofs, held to the suites that every plugin of its roles is held to. */

const runner = { describe, test }
const visibility = { outputs: { scores: 'committed' } } as const
// One store for all: a fresh plugin finds the artefacts that another one published.
const blobs = memoryBlobs()
const directories: Awaited<ReturnType<typeof temporaryDirectory>>[] = []

/** The key that the test stand signs with. */
const claimant = localSigner(new Uint8Array(32).fill(7))
/** The field of BN254's coordinates. */
const P = 21888242871839275222246405745257275088696311157297823662689037894645226208583n

let cacheDirectory = ''
let artefacts: Artefacts
let job: ProveJob
let other: ProveJob
let evidence: Evidence
let otherEvidence: Evidence
let underOwnKey: Evidence

const fresh = () => wire(zkml({ keys: 'development', visibility, cacheDirectory }), blobs)

beforeAll(async () => {
  directories.push(await temporaryDirectory(), await temporaryDirectory())
  cacheDirectory = directories[0]?.path ?? ''
  const wired = fresh()
  const program = await store(blobs, smallProgram())
  artefacts = await wired.prover.setup(program, call())
  job = await jobFor(wired, smallProgram(), [features([3, 15, 0, 7])], artefacts)
  other = await jobFor(wired, smallProgram(), [features([14, 1, 9, 2])], artefacts)
  evidence = await wired.prover.prove(job, call())
  otherEvidence = await wired.prover.prove(other, call())
  const attacker = wire(zkml({ keys: 'development', visibility, cacheDirectory: directories[1]?.path ?? '' }), blobs)
  const theirs = await attacker.prover.setup(program, call())
  underOwnKey = await attacker.prover.prove({ ...job, artefacts: theirs }, call())
}, 120_000)

afterAll(async () => {
  await snarkjsProver().close()
  for (const directory of directories) await directory.remove()
})

const subjectOf = (j: ProveJob) => ({ signed: j.signed, outputs: j.executions[0].outputs, salts: outputSalts(j) })

/** The scores of this job's outputs and the label of another's, under one honest signature. */
async function twoOutputs(): Promise<ProveJob> {
  const outputs = job.signed.outputs.map((c, i) => (c.scheme === RAW_SCHEME ? (other.signed.outputs[i] ?? c) : c))
  const claim: Claim = { ...job.signed.claim, outputs: commitmentsDigest(outputs) }
  return { ...job, signed: { ...job.signed, claim, outputs, signature: await claimant.sign(claimDigest(claim)) } }
}

function forgeries(): readonly Evidence[] {
  const honest = decodeEvidence(evidence.payload)
  const foreign = decodeEvidence(otherEvidence.payload)
  const signals = honest && publicSignals(honest.layout, claimDigest(job.signed.claim), job.signed)
  if (honest === undefined || foreign === undefined || signals === undefined) throw new Error('the evidence is honest')
  const simulated = proofBytes(simulateProof(signals))
  const of = (change: Partial<ZkmlEvidence>): Evidence => ({
    ...evidence,
    payload: encodeEvidence({ ...honest, ...change }),
  })
  const { a, b, c } = honest.points.proof
  return [
    underOwnKey,
    // Anybody can prove anything under a key whose secrets he knows; and that proof is worth nothing under the honest key.
    of({ proof: simulated, verifyingKey: verifyingKeyBytes(simulatedKey(signals.length)) }),
    of({ proof: simulated }),
    of({ proof: foreign.proof }),
    of({ proof: proofBytes({ a: c, b, c: a }) }),
    of({ proof: proofBytes({ a: [a[0], P - a[1]], b, c }) }),
    of({ r1csHash: digestOf(1) }),
  ]
}

committerSuite({
  runner,
  make: () => fresh().committer,
  fixture: () => ({
    program: job.program,
    tensors: job.executions[0].outputs.filter((t) => t.name === 'scores'),
    others: other.executions[0].outputs.filter((t) => t.name === 'scores'),
  }),
})

proverSuite({
  runner,
  make: () => fresh().prover,
  fixture: async () => ({
    job,
    other,
    need: {
      program: job.program,
      leaf: { tier: 'zkml', policy: digestOf(0) },
      policy: offchainPolicy('zkml', {}),
      inputShapes: { x: [1, 4] },
    },
    verifier: fresh().verifier,
    context: contextFor(artefacts),
    twoOutputs: await twoOutputs(),
  }),
})

verifierSuite({
  runner,
  make: () => fresh().verifier,
  fixture: () => ({
    subject: subjectOf(job),
    evidence,
    context: contextFor(artefacts),
    other: { subject: subjectOf(other), evidence: otherEvidence },
    forgeries: forgeries(),
    unmet: [{ origin: 'ceremony' }, { orgin: 'development' }, 'development', []],
  }),
})

onchainSuite({
  runner,
  make: () => fresh().onchain,
  fixture: () => {
    const part = (j: ProveJob, e: Evidence) => ({ signed: j.signed, outputs: j.executions[0].outputs, evidence: e })
    return { artefacts, ...part(job, evidence), other: part(other, otherEvidence) }
  },
})

test('another node that computed something else does not stop the proof of a claim that is true', async () => {
  const [honest] = job.executions
  const liar = { ...honest, executor: parseAddress(`0x${'99'.repeat(20)}`), outputs: other.executions[0].outputs }
  const { prover, verifier } = fresh()
  const proof = await prover.prove({ ...job, executions: [honest, liar] }, call())
  expect((await verifier.verify(subjectOf(job), proof, contextFor(artefacts))).status).toBe('accepted')
  await expect(prover.prove({ ...job, executions: [liar, honest] }, call())).rejects.toMatchObject({
    code: 'VS_ZKML_OUTPUT_DIFFERS',
  })
})
