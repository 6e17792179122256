import {
  type Address,
  type Digest,
  keccakText,
  makeRequest,
  type ProgramId,
  type Request,
  type RequestId,
  toHex,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '../claim/index.ts'
import type { Records, Step } from '../job/job.ts'
import type { JobNeeds, NodeOffer, Scheduler, Worker } from '../plugin/roles.ts'
import { ensure, type SuiteBase, same, suite } from './runner.ts'

export interface SchedulerUnderTest {
  readonly scheduler: Scheduler
  /** Where the scheduler watches jobs. */
  readonly records: Records
  /** Steps that ended a job: nobody can take them, or their handler threw. */
  readonly failures: readonly { readonly id: RequestId; readonly step: Step }[]
  close?(): Promise<void>
}

export interface SchedulerSuiteOptions extends SuiteBase<SchedulerUnderTest, 'watch' | 'failures'> {
  /** How long a step may take to begin, in milliseconds, before it counts as lost. Default 10 000. */
  readonly patienceMs?: number
}

const KIND = 'conformance/kind'
const NEEDS: JobNeeds = { semantics: 'conformance/v1', kinds: [KIND] }
const STEPS: readonly Step[] = [
  { run: 'execute', slot: 0 },
  { run: 'claim' },
  { run: 'prove', kind: KIND },
  { run: 'verify', kind: KIND },
]

/** What every scheduler must do: every step of every job once, in order, on a node that can. */
export function schedulerSuite(options: SchedulerSuiteOptions): void {
  const { patienceMs = 10_000 } = options

  suite('scheduler', options, ({ test, needs }) => {
    const within = async (body: (t: SchedulerUnderTest) => Promise<void>) => {
      const under = await options.make()
      try {
        await body(under)
      } finally {
        await under.close?.()
      }
    }

    test('runs every step once, each after those that it needs', () =>
      within(async ({ scheduler }) => {
        const log = await logOf(scheduler, ['node'], patienceMs)
        const request = requestOf(1)
        same((await scheduler.submit(request, STEPS, NEEDS)).accepted, true, 'submitted')
        await log.until(4)
        same(log.of(request.id), ['execute', 'claim', 'prove', 'verify'], 'the steps')
      }))

    test('loses no job of many', () =>
      within(async ({ scheduler }) => {
        const log = await logOf(scheduler, ['a', 'b'], patienceMs)
        const requests = Array.from({ length: 25 }, (_, i) => requestOf(i))
        for (const request of requests) {
          const answer = await scheduler.submit(request, STEPS, NEEDS)
          ensure(answer.accepted, 'a job was turned away')
        }
        await log.until(requests.length * STEPS.length)
        for (const { id } of requests) same(log.of(id), ['execute', 'claim', 'prove', 'verify'], `the steps of ${id}`)
      }))

    test('runs a job that is submitted twice once', () =>
      within(async ({ scheduler }) => {
        const log = await logOf(scheduler, ['node'], patienceMs)
        const [request, after] = [requestOf(1), requestOf(2)]
        await scheduler.submit(request, STEPS, NEEDS)
        await scheduler.submit(request, STEPS, NEEDS)
        await log.until(4)
        await scheduler.submit(after, STEPS, NEEDS)
        await log.until(8)
        same(log.of(request.id), ['execute', 'claim', 'prove', 'verify'], 'the steps')
      }))

    test('gives the executions of one job to distinct nodes', () =>
      within(async ({ scheduler }) => {
        const log = await logOf(scheduler, ['a', 'b', 'c'], patienceMs)
        const slots: readonly Step[] = [0, 1, 2].map((slot) => ({ run: 'execute', slot }))
        await scheduler.submit(requestOf(1), [...slots, { run: 'claim' }], NEEDS)
        await log.until(4)
        const nodes = log.entries.filter((e) => e.step.run === 'execute').map((e) => e.node)
        same(new Set(nodes).size, 3, 'the number of nodes')
      }))

    test('gives a step only to a node that offers what it needs, at its price', () =>
      within(async ({ scheduler }) => {
        const log = newLog(patienceMs)
        const offers: readonly (readonly [string, Partial<NodeOffer>])[] = [
          ['dear', { priceWei: 11n }],
          ['full', { load: 1 }],
          ['other-semantics', { semantics: ['conformance/other'] }],
          ['other-kind', { kinds: ['conformance/other'] }],
          ['able', { priceWei: 10n }],
        ]
        for (const [id, change] of offers) {
          await scheduler.offer({ ...offerOf(id), ...change })
          await scheduler.work(log.worker(id))
        }
        await scheduler.submit(requestOf(1, 10n), STEPS, NEEDS)
        await log.until(4)
        const nodes = log.entries.filter((e) => e.step.run === 'execute' || e.step.run === 'prove').map((e) => e.node)
        ensure(!nodes.some((n) => n === 'dear' || n === 'full'), `${nodes.join(', ')} ran steps`)
        ensure(
          log.entries.every((e) => e.step.run !== 'execute' || e.node !== 'other-semantics'),
          'wrong semantics',
        )
        ensure(
          log.entries.every((e) => e.step.run !== 'prove' || e.node !== 'other-kind'),
          'wrong kind',
        )
      }))

    test('runs the rest of a job that somebody else began', () =>
      within(async ({ scheduler }) => {
        const log = await logOf(scheduler, ['node'], patienceMs)
        const request = requestOf(1)
        await scheduler.extend(request, STEPS.slice(2), NEEDS)
        await log.until(2)
        same(log.of(request.id), ['prove', 'verify'], 'the steps')
      }))

    needs('failures', 'runs nothing after a step that failed, and says so', () =>
      within(async ({ scheduler, failures }) => {
        const [bad, good] = [requestOf(1), requestOf(2)]
        const log = newLog(patienceMs, (step, id) => {
          if (id === bad.id && step.run === 'claim') throw new Error('the claim fails')
        })
        await scheduler.offer(offerOf('node'))
        await scheduler.work(log.worker('node'))
        await scheduler.submit(bad, STEPS, NEEDS)
        await log.until(2)
        await scheduler.submit(good, STEPS, NEEDS)
        await log.until(6)
        same(log.of(bad.id), ['execute', 'claim'], 'the steps of the job that failed')
        ensure(
          failures.some((f) => f.id === bad.id && f.step.run === 'claim'),
          'the failure was not told',
        )
      }),
    )

    test('tells a running step that its job was cancelled, and runs nothing after it', () =>
      within(async ({ scheduler }) => {
        const [gone, kept] = [requestOf(1), requestOf(2)]
        let told: AbortSignal | undefined
        const log = newLog(patienceMs, async (step, id, signal) => {
          if (id !== gone.id || step.run !== 'execute') return
          told = signal
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          signal.throwIfAborted()
        })
        await scheduler.offer(offerOf('node'))
        await scheduler.work(log.worker('node'))
        await scheduler.submit(gone, STEPS, NEEDS)
        await log.until(1)
        await scheduler.cancel(gone.id)
        await scheduler.submit(kept, STEPS, NEEDS)
        await log.until(5)
        ensure(told?.aborted === true, 'the step was not told')
        same(log.of(gone.id), ['execute'], 'the steps of the cancelled job')
      }))

    test('gives nothing to a worker that has left', () =>
      within(async ({ scheduler }) => {
        const log = newLog(patienceMs)
        for (const id of ['leaves', 'stays']) await scheduler.offer(offerOf(id))
        const left = await scheduler.work(log.worker('leaves'))
        await scheduler.work(log.worker('stays'))
        await left[Symbol.asyncDispose]()
        await scheduler.submit(requestOf(1), STEPS, NEEDS)
        await log.until(4)
        ensure(
          log.entries.every((e) => e.node === 'stays'),
          'a worker that has left ran a step',
        )
      }))

    needs('watch', 'shows the newest state of a job to who watches, and stops when told', () =>
      within(async ({ scheduler, records }) => {
        const { id } = requestOf(1)
        await records.swap(0, { request: id, execution: 'queued', tracks: {}, settlement: 'none', revision: 1 })
        const stop = new AbortController()
        const seen: string[] = []
        for await (const job of scheduler.watch(id, stop.signal)) {
          seen.push(job.execution)
          if (job.execution === 'executed') stop.abort()
          else await records.swap(job.revision, { ...job, execution: 'executed', revision: job.revision + 1 })
        }
        same(seen, ['queued', 'executed'], 'the states')
      }),
    )
  })
}

type Act = (step: Step, id: RequestId, signal: AbortSignal) => void | Promise<void>

/** What the workers of a test were given. */
function newLog(patienceMs: number, act: Act = () => undefined) {
  const entries: { readonly node: string; readonly step: Step; readonly id: RequestId }[] = []
  const waiting = new Set<() => void>()
  return {
    entries,
    of: (id: RequestId) => entries.filter((e) => e.id === id).map((e) => e.step.run),
    worker: (node: string): Worker => ({
      node,
      canRun: () => true,
      handle: async (step, id, call) => {
        entries.push({ node, step, id })
        for (const wake of waiting) wake()
        await act(step, id, call.signal)
      },
    }),
    /** Resolves when this many steps have begun; what has not after the given patience is lost. */
    until: (count: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (entries.length < count) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve()
        }
        const timer = setTimeout(() => {
          waiting.delete(check)
          reject(new Error(`${entries.length} of ${count} steps began within ${patienceMs} ms: a job is lost`))
        }, patienceMs)
        waiting.add(check)
        check()
      }),
  }
}

async function logOf(scheduler: Scheduler, nodes: readonly string[], patienceMs: number) {
  const log = newLog(patienceMs)
  for (const id of nodes) {
    await scheduler.offer(offerOf(id))
    await scheduler.work(log.worker(id))
  }
  return log
}

const offerOf = (id: string): NodeOffer => ({
  id,
  address: toHex(keccakText(id).subarray(12)) as Address,
  semantics: [NEEDS.semantics],
  kinds: NEEDS.kinds,
  priceWei: 0n,
  load: 0,
  seenAt: BigInt(Date.now()),
})

const requestOf = (n: number, priceWei = 0n): Request =>
  makeRequest({
    program: ZERO_DIGEST as Digest as string as ProgramId,
    inputs: ZERO_DIGEST,
    requirement: ZERO_DIGEST,
    terms: ZERO_DIGEST,
    payer: ZERO_ADDRESS,
    priceWei,
    nonce: toHex(new Uint8Array(32).fill(n + 1)),
    chainId: 0n,
    contract: ZERO_ADDRESS,
    expiresAt: 2n ** 63n,
  })
