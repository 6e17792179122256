import type {
  Artefacts,
  Blobs,
  Call,
  CommitmentPlan,
  Execution,
  PlannedCommitment,
  Program,
  ProveJob,
  Prover,
  Quote,
} from '@veristack/core'
import {
  bigints,
  claimDigest,
  commitmentKey,
  type Evidence,
  type Hex,
  isIntegerType,
  isVeristackError,
  type Tensor,
} from '@veristack/core/receipt'
import type { IntegerProgram } from '@veristack/integer-model'
import { mismatch, publish, readBlob, readPublished } from './artefacts.ts'
import type { Circuit, Witness } from './circuit/compile.ts'
import { elements, type LayoutEntry, SEMANTICS } from './circuit/layout.ts'
import { digestHalves, listsMatch, publicSignals } from './circuit/public-signals.ts'
import { fail } from './errors.ts'
import { EVIDENCE_KIND, EVIDENCE_VERSION, encodeEvidence } from './evidence.ts'
import type { ProverBackend } from './groth16/backend.ts'
import { proofBytes, verifyingKeyBytes } from './groth16/bytes.ts'
import { refuseProof } from './groth16/verify.ts'
import { checkKey } from './keys/refuse.ts'
import { type KeySource, setupKeys } from './keys/setup.ts'
import { encodeWitness } from './r1cs/index.ts'

export interface ProverOptions {
  readonly keys: KeySource
  readonly cacheDirectory: string
  readonly cacheSecretFile: string
  readonly backend: ProverBackend
  readonly blobs: () => Blobs
  readonly load: (program: Program) => Promise<{ readonly program: IntegerProgram; readonly circuit: Circuit }>
  readonly notice: (reason: string) => void
}

/** Rough figures for two cores; measured at 11 000 constraints. */
const PROVE_MS = { base: 150, perConstraint: 0.06 }
/** Inside the verifier's call with nine public signals, and what settling adds around it. */
const GAS = 320_000n

export function zkmlProver(options: ProverOptions): Prover {
  const { backend, load } = options
  const plan = (entries: readonly LayoutEntry[]): readonly PlannedCommitment[] =>
    entries.map((e) => ({ tensors: e.tensors.map((t) => t.name), scheme: e.scheme, salted: e.salted }))
  /** The last key that was used, parsed and checked. */
  let last: { readonly anchor: string; readonly zkey: Uint8Array } | undefined

  async function zkeyOf(
    artefacts: Artefacts,
    circuit: Circuit,
    verifyingKey: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (last?.anchor === artefacts.anchor) return last.zkey
    const zkey = await readBlob(artefacts, 'zkey', options.blobs(), signal)
    const own = verifyingKeyBytes(checkKey(zkey, circuit.system).verifyingKey)
    if (!sameBytes(own, verifyingKey)) throw mismatch('zkey', 'the key of the published verifying key', 'another key')
    last = { anchor: artefacts.anchor, zkey }
    return zkey
  }

  return {
    kind: EVIDENCE_KIND,
    tier: 'zkml',
    semantics: [SEMANTICS],
    executions: 1,

    async quote({ program }): Promise<Quote> {
      if (program.semantics !== SEMANTICS) {
        return {
          ok: false,
          code: 'VS_ZKML_UNSUPPORTED',
          reasons: [`zkml proves ${SEMANTICS}, the program is ${program.semantics}`],
        }
      }
      try {
        const { circuit } = await load(program)
        const proveMs = Math.ceil(PROVE_MS.base + PROVE_MS.perConstraint * circuit.system.constraints.length)
        return { ok: true, executeMs: 0, proveMs, finalMs: 0, gas: GAS, priceWei: 0n, bondWei: 0n }
      } catch (error) {
        if (isVeristackError(error)) return { ok: false, code: error.code, reasons: [error.shortMessage] }
        throw error
      }
    },

    async commitments(program): Promise<CommitmentPlan> {
      const { layout } = (await load(program)).circuit
      return { inputs: plan(layout.inputs), outputs: plan(layout.outputs) }
    },

    async setup(program, call: Call): Promise<Artefacts> {
      const loaded = await load(program)
      const keys = await setupKeys(loaded.circuit, sampleWitness(loaded.program, loaded.circuit), {
        source: options.keys,
        directory: options.cacheDirectory,
        secretFile: options.cacheSecretFile,
        backend,
        signal: call.signal,
        notice: options.notice,
        progress: (stage, done, total) => call.progress({ stage, done, ...(total === undefined ? {} : { total }) }),
      })
      return publish(loaded.circuit, keys, options.blobs())
    },

    async prove(job, call): Promise<Evidence> {
      const { artefacts, signed } = job
      if (artefacts === undefined) throw mismatch('artefacts', 'what setup returned for this program', 'none')
      if (artefacts.program !== job.program.id) throw mismatch('artefacts.program', job.program.id, artefacts.program)
      const { circuit } = await load(job.program)
      const published = await readPublished(artefacts, options.blobs(), call.signal)
      if (published.id !== circuit.id) throw mismatch('circuit', circuit.id, published.id)

      call.progress({ stage: 'witness', done: 0, total: 2 })
      const witness = circuit.witness(witnessRequest(job, circuit))
      // The claim states the first execution's outputs; the others are for tiers that compare executions.
      checkExecution(circuit, witness, job.executions[0])
      checkClaim(job, circuit, witness)
      call.signal.throwIfAborted()

      const zkey = await zkeyOf(artefacts, circuit, published.verifyingKey, call.signal)
      call.progress({ stage: 'proof', done: 1, total: 2 })
      call.signal.throwIfAborted()
      const { proof } = await backend.prove(zkey, encodeWitness(witness.values))
      const key = checkKey(zkey, circuit.system).verifyingKey
      const refusal = refuseProof(key, witness.publicSignals, proof)
      if (refusal !== undefined) {
        throw fail('VS_ZKML_PROVER_FAILED', {
          message: 'The prover made a proof that does not verify',
          details: { prover: backend.name, refusal },
        })
      }
      call.progress({ stage: 'proof', done: 2, total: 2 })
      return {
        kind: EVIDENCE_KIND,
        version: EVIDENCE_VERSION,
        claim: claimDigest(signed.claim),
        payload: encodeEvidence({
          proof: proofBytes(proof),
          layout: circuit.layout,
          r1csHash: circuit.r1csHash,
          verifyingKey: published.verifyingKey,
        }),
        blobs: [],
      }
    },
  }
}

const jobMismatch = (field: string, expected: string, got: string) =>
  fail('VS_ZKML_JOB_MISMATCH', { details: { field, expected, got } })

function witnessRequest({ signed, inputs, salts }: ProveJob, { layout }: Circuit) {
  const salt = (entry: LayoutEntry | undefined): bigint => {
    if (entry === undefined || !entry.salted) return 0n
    const found: Hex | undefined = salts[commitmentKey(entry)]
    // Salts are secrets: errors name them and show nothing of them.
    if (found === undefined || found.length !== 66)
      throw jobMismatch(`salt of ${entry.tensor}`, '32 bytes', found === undefined ? 'none' : 'another length')
    return BigInt(found)
  }
  return {
    claim: digestHalves(claimDigest(signed.claim)),
    inputs: Object.fromEntries(inputs.map((t) => [t.name, integersOf(t)])),
    inputSalt: salt(layout.inputs[0]),
    outputSalt: salt(layout.outputs.find((e) => e.salted)),
  }
}

function integersOf(t: Tensor): readonly bigint[] {
  if (!isIntegerType(t.type))
    throw fail('VS_ZKML_INVALID_INPUT', { details: { field: `input ${t.name}`, expected: 'integers', got: t.type } })
  return bigints(t)
}

/** What the executor returned is what the proof is about, element for element. */
function checkExecution({ layout }: Circuit, { outputs }: Witness, execution: Execution): void {
  const differs = (field: string, expected: string, got: string) =>
    fail('VS_ZKML_OUTPUT_DIFFERS', { details: { executor: execution.executor, field, expected, got } })
  const expected = layout.outputs.flatMap((e) => e.tensors)
  if (execution.outputs.length !== expected.length)
    throw differs('outputs', `${expected.length}`, `${execution.outputs.length}`)
  for (const port of expected) {
    const found = execution.outputs.filter((t) => t.name === port.name)
    const [tensor] = found
    if (tensor === undefined || found.length !== 1)
      throw differs(`output ${port.name}`, 'one tensor', `${found.length}`)
    if (tensor.type !== port.type || tensor.shape.join() !== port.shape.join()) {
      throw differs(
        `output ${port.name}`,
        `${port.type}[${port.shape.join('x')}]`,
        `${tensor.type}[${tensor.shape.join('x')}]`,
      )
    }
    const own = outputs[port.name] ?? []
    const values = bigints(tensor)
    const at = values.findIndex((v, i) => v !== own[i])
    if (at >= 0 || values.length !== own.length)
      throw differs(`output ${port.name}[${at}]`, 'what the program computes', 'another value')
  }
}

/** The claim's lists must be the circuit's, and their values the witness's: only then does the proof speak for the claim. */
function checkClaim(
  { request, program, signed }: ProveJob,
  { layout }: Circuit,
  { publicSignals: own }: Witness,
): void {
  const { claim } = signed
  if (claim.program !== program.id) throw jobMismatch('claim.program', program.id, claim.program)
  if (claim.request !== request.id) throw jobMismatch('claim.request', request.id, claim.request)
  if (!listsMatch(layout, signed)) {
    const show = (list: readonly { readonly tensor: string; readonly scheme: string }[]) =>
      list.map((e) => `${e.tensor} ${e.scheme}`).join('; ')
    throw jobMismatch(
      'commitment lists',
      `${show(layout.inputs)} | ${show(layout.outputs)}`,
      `${show(signed.inputs)} | ${show(signed.outputs)}`,
    )
  }
  const demanded = publicSignals(layout, claimDigest(claim), signed)
  const names = ['claim digest', 'claim digest', 'input commitment', 'output commitment']
  const at = own.findIndex((s, i) => s !== demanded?.[i])
  if (demanded === undefined || at >= 0) {
    throw jobMismatch(names[at] ?? 'public outputs', "the witness's value", 'another value')
  }
}

/** A witness for the self-test: any inputs will do. */
function sampleWitness(program: IntegerProgram, circuit: Circuit): Witness {
  const inputs = Object.fromEntries(
    program.inputs.map(({ name, shape, range: { lo, hi } }) => {
      const value = (i: number) => lo + ((BigInt(i) * 7n + 3n) % (hi - lo + 1n))
      return [name, Array.from({ length: elements({ shape }) }, (_, i) => value(i))]
    }),
  )
  const claim = [0x0123456789abcdefn, 0xfedcba9876543210n] as const
  return circuit.witness({ claim, inputs, inputSalt: 1n, outputSalt: 2n })
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i])
