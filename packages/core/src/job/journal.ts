import type { BlobRef, Blobs } from '../blobs/blobs.ts'
import type { Commitment } from '../claim/index.ts'
import {
  fromHex,
  type Hex,
  type Leaf,
  type Policy,
  type ProgramId,
  parseHex,
  type Request,
  type RequestId,
  type Requirement,
  type SignedClaim,
  type Tensor,
  type Terms,
  toHex,
} from '../claim/index.ts'
import { fail } from '../errors/index.ts'
import type { Artefacts, CommitmentPlan, Execution, Program, SettlementTerms } from '../plugin/roles.ts'
import type { Settlement } from '../receipt/settlement.ts'
import type { Evidence, EvidenceKind, Verdict } from '../receipt/verdict.ts'
import type { Job, Records, Step } from './job.ts'
import type { PlannedLeaf } from './plan.ts'

/** Everything that a job is made of before anybody runs it. */
export interface Assignment {
  readonly request: Request
  readonly requirement: Requirement
  readonly policies: readonly Policy[]
  readonly terms: Terms
  readonly settlementTerms: SettlementTerms | null
  readonly program: Program
  /** Prepared inputs. */
  readonly inputs: readonly Tensor[]
  readonly commitmentPlan: CommitmentPlan
  readonly inputCommitments: readonly Commitment[]
  /** Salts of input commitments, by `Commitment.tensor`. */
  readonly inputSalts: Readonly<Record<string, Hex>>
  readonly planned: readonly PlannedLeaf[]
  readonly steps: readonly Step[]
}

export interface Failure {
  readonly step: string
  readonly code: string
  readonly message: string
}

/** A signed claim and the salts of its output commitments, which are useless apart. */
export interface Claimed {
  readonly signed: SignedClaim
  readonly salts: Readonly<Record<string, Hex>>
}

/** One piece of evidence may answer several leaves, each under its own policy. */
export interface JudgedLeaf {
  readonly leaf: Leaf
  readonly verdict: Verdict
}

/** What each name holds. */
interface Entries {
  assignment: Assignment
  claimed: Claimed
  /** null once the job was resumed. */
  failure: Failure | null
  [failure: `failure/${EvidenceKind}`]: Failure | null
  [execution: `execution/${number}`]: Execution
  [evidence: `evidence/${EvidenceKind}`]: Evidence
  [verdicts: `verdicts/${EvidenceKind}`]: readonly JudgedLeaf[]
  [settlement: `settlement/${number}`]: Settlement
  [artefacts: `artefacts/${EvidenceKind}`]: Artefacts
}

const MEDIA_TYPE = 'application/vnd.veristack.record+json'
const RETRIES = 64

/**
 * A job's records as typed values. The store is this deployment's own: its blobs are checked by digest on every read,
 * and what leaves it as a receipt goes through the strict parser.
 */
export interface Journal {
  read<K extends keyof Entries>(id: RequestId | ProgramId, name: K): Promise<Entries[K] | undefined>
  /** Like read, but a missing entry is `VS_CORE_UNKNOWN_JOB`. */
  expect<K extends keyof Entries>(id: RequestId | ProgramId, name: K): Promise<Entries[K]>
  write<K extends keyof Entries>(id: RequestId | ProgramId, name: K, value: Entries[K]): Promise<BlobRef>
  /** Writes unless somebody did, and returns what stands: of two processes with one job, both go on with the same. */
  once<K extends keyof Entries>(id: RequestId | ProgramId, name: K, value: Entries[K]): Promise<Entries[K]>
  settlements(id: RequestId): Promise<readonly Settlement[]>
  /** Append-only: a settlement that is there already, by its reference and state, is not added again. */
  addSettlement(id: RequestId, settlement: Settlement): Promise<void>
  job(id: RequestId): Promise<Job | undefined>
  create(job: Omit<Job, 'revision'>): Promise<boolean>
  /** Repeats a change until no other process interferes. `change` returns undefined to leave the job as it is. */
  update(id: RequestId, change: (job: Job) => Partial<Omit<Job, 'request' | 'revision'>> | undefined): Promise<Job>
}

export function createJournal(records: Records, blobs: Blobs): Journal {
  const read: Journal['read'] = async (id, name) => {
    const ref = await records.get(id, name)
    return ref === undefined ? undefined : decode(await blobs.get(ref))
  }
  const settlements = async (id: RequestId): Promise<readonly Settlement[]> => {
    const found: Settlement[] = []
    for (
      let next = await read(id, 'settlement/0');
      next !== undefined;
      next = await read(id, `settlement/${found.length}`)
    ) {
      found.push(next)
    }
    return found
  }
  return {
    read,
    expect: async (id, name) => {
      const value = await read(id, name)
      if (value === undefined) throw fail('VS_CORE_UNKNOWN_JOB', { details: { id, record: name } })
      return value
    },
    write: async (id, name, value) => {
      const ref = await blobs.put(encode(value), MEDIA_TYPE)
      await records.put(id, name, ref)
      return ref
    },
    once: async (id, name, value) => {
      const ref = await blobs.put(encode(value), MEDIA_TYPE)
      return decode(await blobs.get(await records.once(id, name, ref)))
    },
    settlements: (id) => settlements(id),
    addSettlement: async (id, settlement) => {
      const known = await settlements(id)
      if (known.some((s) => isSame(s, settlement))) return
      for (let n = known.length; ; n++) {
        const ref = await blobs.put(encode(settlement), MEDIA_TYPE)
        const standing: Settlement = decode(await blobs.get(await records.once(id, `settlement/${n}`, ref)))
        if (isSame(standing, settlement)) return
      }
    },
    job: (id) => records.job(id),
    create: (job) => records.swap(0, { ...job, revision: 1 }),
    update: async (id, change) => {
      for (let i = 0; i < RETRIES; i++) {
        const job = await records.job(id)
        if (job === undefined) throw fail('VS_CORE_UNKNOWN_JOB', { details: { id } })
        const changed = change(job)
        if (changed === undefined) return job
        const next: Job = { ...job, ...changed, revision: job.revision + 1 }
        if (await records.swap(job.revision, next)) return next
      }
      throw fail('VS_CORE_CONFLICT', { details: { id, attempts: RETRIES } })
    },
  }
}

const isSame = (a: Settlement, b: Settlement): boolean => a.ref === b.ref && a.state === b.state

/**
 * JSON with `{"$n": "12"}` for bigint and `{"$b": "0x…"}` for bytes. A member of the data itself that begins with `$` is
 * written with one more, so that nothing a caller passes in can be taken for these.
 */
export function encode(value: unknown): Uint8Array {
  // The holder's own member, not the second argument: Buffer has a toJSON that would be applied before.
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key) {
    const v = this[key]
    if (typeof v === 'bigint') return { $n: v.toString() }
    if (v instanceof Uint8Array) return { $b: toHex(v) }
    return rename(v, (name) => (name.startsWith('$') ? `$${name}` : name))
  })
  return new TextEncoder().encode(text)
}

export function decode<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes), (_, v: unknown) => {
    if (typeof v !== 'object' || v === null) return v
    if ('$n' in v && typeof v.$n === 'string') return BigInt(v.$n)
    if ('$b' in v) return fromHex(parseHex(v.$b, '$b'))
    return rename(v, (name) => (name.startsWith('$$') ? name.slice(1) : name))
  }) as T
}

function rename(v: unknown, to: (name: string) => string): unknown {
  if (typeof v !== 'object' || v === null || Array.isArray(v)) return v
  const entries = Object.entries(v)
  return entries.some(([name]) => to(name) !== name) ? Object.fromEntries(entries.map(([name, x]) => [to(name), x])) : v
}
