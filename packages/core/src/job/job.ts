import type { BlobRef } from '../blobs/blobs.ts'
import type { ProgramId, RequestId } from '../claim/index.ts'
import type { SettlementState } from '../receipt/settlement.ts'
import type { EvidenceKind, Verdict } from '../receipt/verdict.ts'

/** One unit that a worker takes. */
export type Step =
  | { readonly run: 'execute'; readonly slot: number }
  | { readonly run: 'escrow' | 'claim' | 'settle' }
  | { readonly run: 'prove' | 'verify'; readonly kind: EvidenceKind }

export type ExecutionState = 'queued' | 'matched' | 'running' | 'executed' | 'claimed' | 'failed' | 'cancelled'
/** `failed`: no evidence could be made or judged; the job goes on where the requirement can do without. */
export type TrackState = 'waiting' | 'proving' | 'proved' | 'failed' | Verdict['status']

/** A request on its way. Phases are derived, never stored. */
export interface Job {
  readonly request: RequestId
  readonly execution: ExecutionState
  readonly tracks: Readonly<Record<EvidenceKind, TrackState>>
  readonly settlement: 'none' | SettlementState
  readonly revision: number
}

/** What a job leaves behind for later steps, possibly on other machines; a program's artefacts are kept the same way. */
export interface Records {
  /** `name` is a path of lower-case words: `signed`, `evidence/zkml/groth16-bn254`. */
  get(id: RequestId | ProgramId, name: string): Promise<BlobRef | undefined>
  /** The last `put` of a name wins. */
  put(id: RequestId | ProgramId, name: string, ref: BlobRef): Promise<void>
  /** Writes unless the name is taken, whoever took it, and returns the reference that stands. */
  once(id: RequestId | ProgramId, name: string, ref: BlobRef): Promise<BlobRef>
  job(id: RequestId): Promise<Job | undefined>
  /** Compare and set: writes `next` only where the stored revision is `expected` (0: absent). `next.revision` is `expected + 1`. */
  swap(expected: number, next: Job): Promise<boolean>
}
