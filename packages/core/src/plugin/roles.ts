import type { BlobRef, Blobs } from '../blobs/blobs.ts'
import type {
  Address,
  Digest,
  Hex,
  Json,
  Leaf,
  Policy,
  ProgramId,
  Request,
  RequestId,
  Requirement,
  SignedClaim,
  Signer,
  Tensor,
  Tier,
} from '../claim/index.ts'
import type { ErrorCode } from '../errors/index.ts'
import type { Job, Records, Step } from '../job/job.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { Settlement } from '../receipt/settlement.ts'
import type { Evidence, EvidenceKind, Origin, Verifier } from '../receipt/verdict.ts'
import type { ChainReader } from './chain.ts'
import type { Stack } from './stack.ts'

export type Semantics = 'integer/v1' | 'onnx-float/v1' | (string & {})

/**
 * What is executed. `blob` is the program in the encoding of its semantics. `id` commits to the semantics as well as to the
 * content: no two programs of different semantics have one id.
 */
export interface Program {
  readonly id: ProgramId
  readonly semantics: Semantics
  readonly blob: BlobRef
}

/** What running gives. */
export interface Execution {
  /** The node that ran it. */
  readonly executor: Address
  /** For an integer program, the integer outputs. */
  readonly outputs: readonly Tensor[]
  readonly attachments: Readonly<Record<EvidenceKind, Uint8Array>>
  /** An enclave makes and signs the claim itself. */
  readonly signed?: SignedClaim
}

export interface Progress {
  readonly stage: string
  readonly done: number
  readonly total?: number
}

/** The context of every long call. */
export interface Call {
  readonly signal: AbortSignal
  /** The same for a repeated attempt at the same work. */
  readonly idempotencyKey: string
  progress(event: Progress): void
}

export interface Executor {
  readonly semantics: readonly Semantics[]
  readonly attaches: readonly EvidenceKind[]
  /**
   * The tensors that the program really consumes, which are what a request commits to: an integer program's quantised
   * inputs. Deterministic. Throws a typed error for unknown, missing, misshapen or non-finite inputs.
   */
  prepare(program: Program, inputs: readonly Tensor[], call: Call): Promise<readonly Tensor[]>
  /** `node` is the identity on whose behalf it runs, and becomes `Execution.executor`. `inputs` are prepared ones. */
  execute(
    job: {
      readonly request: Request
      readonly node: Address
      readonly claimant: Address
      readonly program: Program
      readonly inputs: readonly Tensor[]
    },
    call: Call,
  ): Promise<Execution>
}

/** Computes the commitments of one scheme. Deterministic in its arguments. */
export interface Committer {
  readonly scheme: string
  /** True when the value hides the tensor given a salt of 128 bits or more. */
  readonly hiding: boolean
  /** `tensors` are inputs or outputs of `program`, matched by name. `salt` is 32 bytes; absent means unsalted. */
  commit(program: Program, tensors: readonly Tensor[], salt: Hex | undefined): Promise<Hex>
}

/** One entry of a commitment list; `Commitment.tensor` will be `tensorSpecs` of these tensors. */
export interface PlannedCommitment {
  /** Names. */
  readonly tensors: readonly string[]
  readonly scheme: string
  /** Whether a salt derived from the committing party's secret goes in. */
  readonly salted: boolean
}

/** The commitment lists that a prover needs, in order. `raw`: every output as it is,
 * whatever their names: in `raw/v1`, or `keccak/v1` where that can not serve. */
export interface CommitmentPlan {
  readonly inputs: readonly PlannedCommitment[]
  readonly outputs: readonly PlannedCommitment[] | 'raw'
}

export interface Need {
  readonly program: Program
  readonly leaf: Leaf
  readonly policy: Policy
  readonly inputShapes: Readonly<Record<string, readonly number[]>>
}

/** Durations in milliseconds, gas in units, money in wei. */
export type Quote =
  | {
      readonly ok: true
      readonly executeMs: number
      readonly proveMs: number
      readonly finalMs: number
      readonly gas: bigint
      readonly priceWei: bigint
      readonly bondWei: bigint
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly reasons: readonly string[] }

/** What `setup` makes once per program. Every blob is named by its digest; `anchor` is what verifiers must be given. */
export interface Artefacts {
  readonly kind: EvidenceKind
  readonly program: ProgramId
  readonly anchor: Digest
  readonly origin: Origin
  readonly blobs: Readonly<Record<string, BlobRef>>
}

export interface ProveJob {
  readonly request: Request
  /** The policies of the leaves that this evidence is for. */
  readonly policies: readonly Policy[]
  readonly signed: SignedClaim
  readonly program: Program
  /** Prepared inputs. */
  readonly inputs: readonly Tensor[]
  readonly executions: readonly [Execution, ...Execution[]]
  /** 32 bytes (below 2^248) by `commitmentKey`, for salted commitments of inputs and outputs. */
  readonly salts: Readonly<Record<string, Hex>>
  readonly artefacts?: Artefacts
}

export interface Prover {
  readonly kind: EvidenceKind
  readonly tier: Tier
  readonly semantics: readonly Semantics[]
  /** Executions needed; more than 1: by distinct nodes. */
  readonly executions: number
  quote(need: Need): Promise<Quote>
  /** Absent where any commitments will do. */
  commitments?(program: Program): Promise<CommitmentPlan>
  /** By the publisher, once per program. */
  setup?(program: Program, call: Call): Promise<Artefacts>
  /** Refuses an execution that differs from its own witness. */
  prove(job: ProveJob, call: Call): Promise<Evidence>
}

/** How a tier's evidence reaches a contract. */
export interface OnChain {
  readonly kind: EvidenceKind
  /** A name for people and explorers: `groth16-bn254`. */
  readonly proofSystem: string
  /** The verifier contract for these artefacts: creation bytecode and ABI-encoded constructor arguments. */
  deployment(artefacts: Artefacts, chainId: bigint): Promise<{ readonly bytecode: Hex; readonly constructorArgs: Hex }>
  /** ABI bytes for `IClaimVerifier.check`: `params` is pinned by the policy, `evidence` travels with the claim. */
  params(artefacts: Artefacts): Hex
  encode(signed: SignedClaim, outputs: readonly Tensor[], evidence: Evidence): Hex
}

/** What a request agrees with a settler: stored in the job, hashed into the request. */
export interface SettlementTerms {
  readonly digest: Digest
  readonly preimage: Json
}

export interface Settler {
  /** CAIP-2. */
  readonly network: string
  readonly chainId: bigint
  readonly contract: Address
  /** The account that pays for requests made through this settler. */
  readonly payer: Address
  /** The pinned on-chain half of a leaf's policy; deploys the verifier where the network allows it and it is absent. */
  pin(artefacts: Artefacts, onchain: OnChain, call: Call): Promise<Pick<Policy, 'verifier' | 'codeHash' | 'params'>>
  terms(options: Json): SettlementTerms
  /** Escrow. Idempotent by request id. */
  prepare(escrow: EscrowJob, call: Call): Promise<Settlement>
  /** Submits the claim with one leaf's evidence at a time. Idempotent by request id. */
  settle(job: SettleJob, call: Call): Promise<Settlement>
  status(id: RequestId): Promise<Settlement | undefined>
  watch(id: RequestId, signal: AbortSignal): AsyncIterable<Settlement>
}

export interface EscrowJob {
  readonly request: Request
  readonly requirement: Requirement
  readonly policies: readonly Policy[]
  /** keccak256 of the canonical JSON of the application's terms. */
  readonly application: Digest
  readonly terms: SettlementTerms
}

export interface SettleJob extends EscrowJob {
  readonly receipt: Receipt
  readonly onchain: ReadonlyMap<EvidenceKind, OnChain>
}

/** A node that takes jobs. `load` is 0 (idle) to 1 (full), `seenAt` Unix milliseconds. */
export interface NodeOffer {
  readonly id: string
  readonly address: Address
  readonly semantics: readonly Semantics[]
  readonly kinds: readonly EvidenceKind[]
  readonly priceWei: bigint
  readonly load: number
  readonly seenAt: bigint
}

export interface Worker {
  /** The offer under which this worker takes steps. */
  readonly node: string
  readonly canRun: (step: Step, request: Request) => boolean
  readonly handle: (step: Step, id: RequestId, call: Call) => Promise<void>
}

/** What matching needs to know of a job, beyond its request. */
export interface JobNeeds {
  readonly semantics: Semantics
  /** The kinds that are to be proved. */
  readonly kinds: readonly EvidenceKind[]
  /** Nodes that ran executions of this job before: the executions of one job are by distinct nodes. */
  readonly taken?: readonly Address[]
}

export interface Scheduler {
  submit(
    request: Request,
    steps: readonly Step[],
    needs: JobNeeds,
  ): Promise<{ readonly accepted: true } | { readonly accepted: false; readonly retryAfterMs: number }>
  offer(node: NodeOffer): Promise<void>
  work(worker: Worker): Promise<AsyncDisposable>
  /** More steps for a known job: an upgrade, or the rest of a job that another process began. */
  extend(request: Request, steps: readonly Step[], needs: JobNeeds): Promise<void>
  cancel(id: RequestId): Promise<void>
  watch(id: RequestId, signal: AbortSignal): AsyncIterable<Job>
}

/** Runs beside the stack until it stops: watcher, defender, batcher, intake, registrar. */
export interface Service {
  readonly name: string
  run(signal: AbortSignal): Promise<void>
}

/** What a service may do with the stack that it runs beside; core provides it, from when services run. */
export type Jobs = Pick<Stack, 'claimant' | 'publish' | 'take' | 'job' | 'resume' | 'receipt'>

/** Declaration merging adds ports. */
export interface Roles {
  executor: Executor
  committer: Committer
  prover: Prover
  verifier: Verifier
  onchain: OnChain
  settler: Settler
  scheduler: Scheduler
  service: Service
  blobs: Blobs
  records: Records
  signer: Signer
  chain: ChainReader
  jobs: Jobs
}

export type Role = keyof Roles

/** What a plugin sees of the stack. */
export interface Host {
  /** The one implementation of a role. Throws `VS_CORE_MISSING_ROLE`. */
  use<R extends Role>(role: R): Roles[R]
  all<R extends Role>(role: R): readonly Roles[R][]
  provide<R extends Role>(role: R, make: (host: Host) => Roles[R]): void
}

export interface Plugin {
  readonly specificationVersion: 'v1'
  readonly name: string
  readonly version: string
  readonly provides: readonly Role[]
  register(host: Host): void
  /** Runs after every plugin is registered, in the order of `plugins`. */
  start?(signal: AbortSignal): Promise<void>
  /** Runs in reverse order. */
  stop?(): Promise<void>
}
