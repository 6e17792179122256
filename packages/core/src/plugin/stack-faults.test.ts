// What goes wrong beside or inside a job, and what must not follow from it.
import { keccak_256 } from '@noble/hashes/sha3.js'
import {
  claimDigest,
  createStack,
  type EvidenceKind,
  type Execution,
  ephemeralSigner,
  type Host,
  makeRequest,
  memoryBlobs,
  memoryRecords,
  numbers,
  type Plugin,
  type ProgramId,
  type Quote,
  type Records,
  type RequestId,
  type Scheduler,
  type Step,
  tensor,
  toHex,
  type Verdict,
  ZERO_ADDRESS,
} from '../index.ts'

const plugin = (
  name: string,
  provides: Plugin['provides'],
  register: (host: Host) => void,
  more: Partial<Plugin> = {},
): Plugin => ({
  specificationVersion: 'v1',
  name,
  version: '0.0.0',
  provides,
  register,
  ...more,
})

type Execute = (
  node: Execution['executor'],
  inputs: Execution['outputs'],
  request: Parameters<typeof makeRequest>[0] & { id: RequestId },
) => Promise<Partial<Execution>>

const executor = (execute: Execute = async () => ({})): Plugin =>
  plugin('executor', ['executor'], (host) =>
    host.provide('executor', () => ({
      semantics: ['toy/v1'],
      attaches: [],
      prepare: async (_, inputs) => inputs,
      execute: async ({ node, inputs, request }) => {
        const outputs = inputs.map((t) => tensor('y', 'int32', t.shape, numbers(t)))
        return { executor: node, outputs, attachments: {}, ...(await execute(node, inputs, request)) }
      },
    })),
  )

interface TierOptions {
  readonly prove?: () => Promise<void>
  readonly judge?: (policy: unknown) => 'accepted' | 'rejected' | 'undetermined'
  readonly executions?: number
  readonly quote?: Quote
}

const FREE: Quote = { ok: true, executeMs: 0, proveMs: 0, finalMs: 0, gas: 0n, priceWei: 0n, bondWei: 0n }

const tier = (
  kind: EvidenceKind,
  { prove, judge = () => 'accepted', executions = 1, quote = FREE }: TierOptions = {},
): Plugin =>
  plugin(kind, ['prover', 'verifier'], (host) => {
    host.provide('verifier', () => ({
      kind,
      tier: kind,
      verify: async ({ signed }, _, { policy }): Promise<Verdict> => {
        const told = { checks: [], assumptions: [], covers: signed.outputs }
        const status = judge(policy)
        if (status === 'accepted') return { ...told, status, tier: kind }
        return status === 'rejected' ? { ...told, status, code: 'VS_TOY_NO' } : { ...told, status, missing: 'chain' }
      },
    }))
    host.provide('prover', () => ({
      kind,
      tier: kind,
      semantics: ['toy/v1'],
      executions,
      quote: async () => quote,
      prove: async ({ signed }) => {
        await prove?.()
        return { kind, version: 1, claim: claimDigest(signed.claim), payload: Uint8Array.of(1), blobs: [] }
      },
    }))
  })

const store = (records: Records = memoryRecords(), blobs = memoryBlobs()): Plugin =>
  plugin('store', ['records', 'blobs'], (host) => {
    host.provide('records', () => records)
    host.provide('blobs', () => blobs)
  })

const program = { id: toHex(keccak_256(Uint8Array.of(1))) as ProgramId, semantics: 'toy/v1', bytes: Uint8Array.of(1) }
const inputs = [tensor('x', 'int32', [1], [7])]
const gate = () => {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

const started = async (plugins: readonly Plugin[], more: Partial<Parameters<typeof createStack>[0]> = {}) => {
  const stack = await createStack({ plugins, ...more })
  return { stack, program: (await stack.publish(program)).program }
}

describe('a requirement that can do without a tier', () => {
  test('is met although that tier can not prove, and the job says which one failed', async () => {
    const broken = tier('a/broken', { prove: () => Promise.reject(new Error('out of order')) })
    const { stack, program: p } = await started([executor(), tier('a/fine'), broken])
    const job = await stack.infer({ program: p, inputs, require: { any: ['a/broken', 'a/fine'] } })
    expect((await job.wait('verified')).evidence.map((e) => e.kind)).toEqual(['a/fine'])
    expect((await job.state()).tracks).toEqual({ 'a/broken': 'failed', 'a/fine': 'accepted' })
    const all = await stack.infer({ program: p, inputs, require: { all: ['a/broken', 'a/fine'] } })
    await expect(all.wait('verified')).rejects.toMatchObject({
      code: 'VS_CORE_JOB_FAILED',
      cause: new Error('out of order'),
    })
    await stack.close()
  })

  test('two leaves of one tier are judged each under its own policy', async () => {
    const strict = tier('a/t', { judge: (policy) => (JSON.stringify(policy) === '{}' ? 'accepted' : 'rejected') })
    const { stack, program: p } = await started([executor(), strict])
    const both = { all: ['a/t', { tier: 'a/t', policy: { strict: true } }] } as const
    const job = await stack.infer({ program: p, inputs, require: both })
    await expect(job.wait('verified')).rejects.toMatchObject({ code: 'VS_CORE_EVIDENCE_REFUSED' })
    expect((await job.wait('proved')).evidence).toHaveLength(1)
    await stack.close()
  })

  test('evidence that nobody can judge yet does not hide that it was made', async () => {
    const { stack, program: p } = await started([executor(), tier('a/t', { judge: () => 'undetermined' })])
    const job = await stack.infer({ program: p, inputs, require: 'a/t' })
    await expect(job.wait('verified')).rejects.toMatchObject({ code: 'VS_CORE_EVIDENCE_REFUSED' })
    expect((await job.wait('proved')).evidence).toHaveLength(1)
    await stack.close()
  })

  test('a prover that does not take the request refuses it before anything runs', async () => {
    const quote: Quote = { ok: false, code: 'VS_TOY_TOO_LARGE', reasons: ['too many weights'] }
    const { stack, program: p } = await started([executor(), tier('a/t', { quote })])
    await expect(stack.infer({ program: p, inputs, require: 'a/t' })).rejects.toThrow(/too many weights/)
    await stack.close()
  })
})

describe('a claim that an executor signed itself', () => {
  const signedBy = (forge: (honest: Parameters<typeof claimDigest>[0]) => Partial<Parameters<typeof claimDigest>[0]>) =>
    executor(async (_, __, request) => {
      const enclave = ephemeralSigner()
      const honest = {
        request: request.id,
        program: request.program,
        inputs: request.inputs,
        requirement: request.requirement,
        chainId: request.chainId,
        contract: request.contract,
        expiresAt: request.expiresAt,
        outputs: toHex(keccak_256(new Uint8Array())) as ProgramId as never,
        claimant: enclave.address,
      }
      const claim = { ...honest, ...forge(honest) }
      return { signed: { claim, inputs: [], outputs: [], signature: await enclave.sign(claimDigest(claim)) } }
    })

  test.each([
    ['for another request', () => ({ request: toHex(new Uint8Array(32)) as RequestId })],
    ['for another chain', () => ({ chainId: 9n })],
    ['in another name', () => ({ claimant: ZERO_ADDRESS })],
  ])('%s is refused', async (_, forge) => {
    const { stack, program: p } = await started([signedBy(forge), tier('a/t')])
    const job = await stack.infer({ program: p, inputs, require: 'a/t' })
    await expect(job.wait('claimed')).rejects.toMatchObject({
      code: 'VS_CORE_JOB_FAILED',
      details: { code: 'VS_CORE_COMMITMENT_MISMATCH' },
    })
    await stack.close()
  })
})

describe('jobs that end and begin again', () => {
  test('a job that was cancelled while it ran is resumed, and the old run does not disturb it', async () => {
    const first = gate()
    let runs = 0
    const slow = executor(async () => {
      runs += 1
      if (runs === 1) await first.passed
      return {}
    })
    const { stack, program: p } = await started([slow, tier('a/t')])
    const job = await stack.infer({ program: p, inputs, require: 'a/t' })
    while (runs === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    await job.cancel()
    await expect(job.wait('executed')).rejects.toMatchObject({ code: 'VS_CORE_CANCELLED' })
    const again = await stack.resume(job.id)
    first.open()
    expect((await again.wait('verified')).outputs).toHaveLength(1)
    await stack.close()
  })

  test('closing a stack fails no job: another stack finishes it', async () => {
    const held = gate()
    const shared = store()
    const { stack, program: p } = await started([
      shared,
      executor(async () => {
        await held.passed
        return {}
      }),
      tier('a/t'),
    ])
    const job = await stack.infer({ program: p, inputs, require: 'a/t' })
    while ((await job.state()).execution !== 'running') await new Promise((resolve) => setTimeout(resolve, 1))
    const closed = stack.close()
    held.open()
    await closed
    const { stack: second } = await started([shared, executor(), tier('a/t')])
    expect((await (await second.job(job.id)).state()).execution).toBe('running')
    await (await second.resume(job.id)).wait('verified')
    await second.close()
  })

  test('two processes that resume one job at the same time agree on one claim', async () => {
    const shared = store()
    const { stack: a, program: p } = await started([shared, executor(), tier('a/t')])
    const { stack: b } = await started([shared, executor(), tier('a/t')])
    const job = await a.infer({ program: p, inputs, require: 'a/t', steps: ['execute'] })
    await job.wait('executed')
    const jobs = await Promise.all([a.resume(job.id), b.resume(job.id)])
    const [one, two] = await Promise.all(jobs.map((j) => j.wait('verified')))
    expect(one?.signed).toEqual(two?.signed)
    const claim = one === undefined ? undefined : claimDigest(one.signed.claim)
    expect(one?.evidence.map((e) => e.claim)).toEqual([claim])
    await a.close()
    await b.close()
  })

  test('executions stay with distinct nodes when another process resumes', async () => {
    const shared = store()
    const nodes = [ephemeralSigner(), ephemeralSigner()].map((signer, i) => ({ id: `n${i}`, signer }))
    const [first] = nodes
    const { stack: a, program: p } = await started([shared, executor(), tier('a/t', { executions: 2 })], {
      nodes: nodes.slice(0, 1),
    })
    const job = await a.infer({ program: p, inputs, require: 'a/t' })
    await expect(job.wait('verified')).rejects.toMatchObject({ code: 'VS_CORE_JOB_FAILED' })
    const { stack: b } = await started([shared, executor(), tier('a/t', { executions: 2 })], {
      nodes: nodes.slice(0, 1),
    })
    await expect((await b.resume(job.id)).wait('verified')).rejects.toMatchObject({
      details: { code: 'VS_CORE_NO_NODE' },
    })
    const { stack: c } = await started([shared, executor(), tier('a/t', { executions: 2 })], { nodes })
    await (await c.resume(job.id)).wait('verified')
    expect(first).toBeDefined()
    for (const stack of [a, b, c]) await stack.close()
  })

  test('a process that died between assignment and job is made good', async () => {
    const records = memoryRecords()
    let swaps = 0
    const dying: Records = {
      ...records,
      swap: async (expected, next) =>
        swaps++ === 0 ? Promise.reject(new Error('power cut')) : records.swap(expected, next),
    }
    const seen: RequestId[] = []
    const spying: Records = {
      ...dying,
      put: async (id, name, ref) => {
        if (name === 'assignment') seen.push(id as RequestId)
        return records.put(id, name, ref)
      },
    }
    const { stack, program: p } = await started([store(spying), executor(), tier('a/t')])
    await expect(stack.infer({ program: p, inputs, require: 'a/t' })).rejects.toThrow('power cut')
    const [id] = seen
    if (id === undefined) throw new Error('no assignment was written')
    await (await stack.resume(id)).wait('verified')
    await stack.close()
  })
})

describe('faults beside a job', () => {
  test('a store that refuses to note a failure ends the wait, not the process', async () => {
    const records = memoryRecords()
    let full = false
    const filling: Records = {
      ...records,
      put: (id, name, ref) => (full ? Promise.reject(new Error('disk full')) : records.put(id, name, ref)),
    }
    const failing = executor(async () => {
      full = true
      throw new Error('thirteen')
    })
    const { stack, program: p } = await started([store(filling), failing, tier('a/t')])
    const job = await stack.infer({ program: p, inputs, require: 'a/t', steps: [] })
    const waiting = job.wait('executed')
    await stack.resume(job.id).catch(() => undefined)
    await expect(waiting).rejects.toMatchObject({ code: 'VS_CORE_JOB_FAILED', cause: new Error('thirteen') })
    await stack.close()
  })

  test('a listener that throws is reported and the job goes on', async () => {
    const notices: string[] = []
    const { stack, program: p } = await started([executor(), tier('a/t')], {
      onNotice: (text) => void notices.push(text),
    })
    const job = await stack.infer({
      program: p,
      inputs,
      require: 'a/t',
      onEvent: () => {
        throw new Error('bar')
      },
    })
    await job.wait('verified')
    expect(notices[0]).toMatch(/listener .* threw: Error: bar/)
    await stack.close()
  })

  test('services run beside the stack and are waited for; one that fails is reported', async () => {
    const log: string[] = []
    const service = (name: string, run: (signal: AbortSignal) => Promise<void>) =>
      plugin(name, ['service'], (host) => host.provide('service', () => ({ name, run })))
    const lasting = service(
      'lasting',
      (signal) =>
        new Promise((resolve) => {
          log.push('begun')
          signal.addEventListener('abort', () => {
            log.push('ended')
            resolve()
          })
        }),
    )
    const { stack } = await started([lasting, service('broken', () => Promise.reject(new Error('no')))], {
      onNotice: (text) => void log.push(text),
    })
    await stack.close()
    expect(log).toEqual(['begun', 'service broken ended: no', 'ended'])
  })

  test('a stack that can not be composed to the end stops what it started', async () => {
    const log: string[] = []
    const logged = plugin('logged', [], () => undefined, { stop: async () => void log.push('stopped') })
    const refusing = plugin('refusing', ['signer'], (host) =>
      host.provide('signer', () => ({ address: ZERO_ADDRESS, sign: () => Promise.reject(new Error('no hardware')) })),
    )
    await expect(createStack({ plugins: [logged, refusing] })).rejects.toThrow('no hardware')
    expect(log).toEqual(['stopped'])
  })

  test('a scheduler of a stranger’s needs no way of its own to report failures', async () => {
    const scheduler: Plugin = plugin('naive', ['scheduler'], (host) =>
      host.provide('scheduler', (): Scheduler => {
        const workers: Parameters<Scheduler['work']>[0][] = []
        const run = async (id: RequestId, steps: readonly Step[]) => {
          for (const step of steps)
            await workers[0]?.handle(step, id, {
              signal: new AbortController().signal,
              idempotencyKey: 'x',
              progress: () => undefined,
            })
        }
        const { records } = { records: host.use('records') }
        return {
          submit: async (request, steps) => {
            void run(request.id, steps).catch(() => undefined)
            return { accepted: true }
          },
          offer: async () => undefined,
          work: async (worker) => {
            workers.push(worker)
            return { [Symbol.asyncDispose]: async () => undefined }
          },
          extend: async (request, steps) => void run(request.id, steps).catch(() => undefined),
          cancel: async () => undefined,
          watch: async function* (id, signal) {
            while (!signal.aborted) {
              const job = await records.job(id)
              if (job !== undefined) yield job
              await new Promise((resolve) => setTimeout(resolve, 5))
            }
          },
        }
      }),
    )
    const failing = executor(() => Promise.reject(new Error('thirteen')))
    const { stack, program: p } = await started([store(), scheduler, failing, tier('a/t')])
    const job = await stack.infer({ program: p, inputs, require: 'a/t' })
    await expect(job.wait('executed')).rejects.toMatchObject({ cause: new Error('thirteen') })
    await stack.close()
  })
})
