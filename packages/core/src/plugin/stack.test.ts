import { keccak_256 } from '@noble/hashes/sha3.js'
import { defineErrors } from '../errors/index.ts'
import {
  claimDigest,
  createStack,
  type EvidenceKind,
  ephemeralSigner,
  fromHex,
  type Host,
  isVeristackError,
  type JobEvent,
  localSigner,
  numbers,
  type Plugin,
  type ProgramId,
  type Require,
  recoverSigner,
  type Signer,
  type Tensor,
  tensor,
  toHex,
  verifyReceipt,
} from '../index.ts'
import type { Verifier } from '../receipt/verdict.ts'

const KIND: EvidenceKind = 'toy/echo'
const oracle = localSigner(`0x${'11'.repeat(32)}`)

/** Evidence is the oracle's signature over the claim digest. */
const toyVerifier = (kind: EvidenceKind = KIND): Verifier => ({
  kind,
  tier: kind,
  verify: async ({ signed }, evidence) => {
    const ok = recoverSigner(claimDigest(signed.claim), toHex(evidence.payload)) === oracle.address
    const common = { checks: [], assumptions: ['the oracle is honest'], covers: signed.outputs }
    return ok ? { ...common, status: 'accepted', tier: kind } : { ...common, status: 'rejected', code: 'VS_TOY_FORGED' }
  },
})

const toyTier = (kind: EvidenceKind = KIND, signer: Signer = oracle, executions = 1): Plugin => ({
  specificationVersion: 'v1',
  name: kind,
  version: '0.0.0',
  provides: ['prover', 'verifier'],
  register(host) {
    host.provide('verifier', () => toyVerifier(kind))
    host.provide('prover', () => ({
      kind,
      tier: kind,
      semantics: ['toy/v1'],
      executions,
      quote: async () => ({ ok: true, executeMs: 0, proveMs: 0, finalMs: 0, gas: 0n, priceWei: 0n, bondWei: 0n }),
      prove: async ({ signed, executions: runs }) => {
        if (new Set(runs.map((r) => r.executor)).size !== executions) throw new Error('not distinct')
        const digest = claimDigest(signed.claim)
        return { kind, version: 1, claim: digest, payload: fromHex(await signer.sign(digest)), blobs: [] }
      },
    }))
  },
})

const doubling: Plugin = {
  specificationVersion: 'v1',
  name: 'doubling',
  version: '0.0.0',
  provides: ['executor'],
  register(host) {
    host.provide('executor', () => ({
      semantics: ['toy/v1'],
      attaches: [],
      prepare: async (_, inputs) => inputs,
      execute: async ({ node, inputs }) => {
        const [x] = inputs
        if (x === undefined || numbers(x).includes(13)) throw new Error('thirteen')
        return {
          executor: node,
          outputs: [
            tensor(
              'y',
              'int32',
              x.shape,
              numbers(x).map((v) => 2 * v),
            ),
          ],
          attachments: {},
        }
      },
    }))
  },
}

const toyProgram = {
  id: toHex(keccak_256(Uint8Array.of(1))) as ProgramId,
  semantics: 'toy/v1',
  bytes: Uint8Array.of(1),
}
const input = (...values: number[]): Tensor[] => [tensor('x', 'int32', [values.length], values)]

describe('createStack', () => {
  test('runs a job from inputs to a receipt that anyone can check', async () => {
    await using stack = await createStack({ plugins: [doubling, toyTier()] })
    const { program } = await stack.publish(toyProgram)
    const events: JobEvent[] = []
    const job = await stack.infer({ program, inputs: input(3, 4), require: KIND, onEvent: (e) => events.push(e) })
    expect((await job.wait('executed')).outputs).toEqual({ y: [6, 8] })
    const receipt = await job.wait('verified')
    const verdict = await verifyReceipt(receipt, { verifiers: [toyVerifier()] })
    expect(verdict.status).toBe('accepted')
    expect(verdict.covers.map((c) => c.tensor)).toEqual(['int32[2]:y'])
    expect(events.filter((e) => e.type === 'step' && e.state === 'ended')).toHaveLength(4)
  })

  test('a forged proof does not become a verified job, and the receipt is refused', async () => {
    await using stack = await createStack({ plugins: [doubling, toyTier(KIND, ephemeralSigner())] })
    const { program } = await stack.publish(toyProgram)
    const job = await stack.infer({ program, inputs: input(3), require: KIND })
    await expect(job.wait('verified')).rejects.toMatchObject({ code: 'VS_CORE_EVIDENCE_REFUSED' })
    const verdict = await verifyReceipt(await job.wait('proved'), { verifiers: [toyVerifier()] })
    expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TOY_FORGED' })
  })

  test('groups: one honest tier of two satisfies any and not all', async () => {
    const plugins = [doubling, toyTier('toy/honest'), toyTier('toy/liar', ephemeralSigner())]
    await using stack = await createStack({ plugins })
    const { program } = await stack.publish(toyProgram)
    const verifiers = [toyVerifier('toy/honest'), toyVerifier('toy/liar')]
    const any = await stack.infer({ program, inputs: input(1), require: { any: ['toy/honest', 'toy/liar'] } })
    expect((await verifyReceipt(await any.wait('verified'), { verifiers })).status).toBe('accepted')
    const all = await stack.infer({ program, inputs: input(1), require: { all: ['toy/honest', 'toy/liar'] } })
    await expect(all.wait('verified')).rejects.toMatchObject({ code: 'VS_CORE_EVIDENCE_REFUSED' })
    const open = await verifyReceipt(await all.wait('proved'), { verifiers: [toyVerifier('toy/honest')] })
    expect(open).toMatchObject({ status: 'undetermined', missing: 'plugin' })
  })

  test('executions of one job run on distinct nodes, or the job says why not', async () => {
    const nodes = ['a', 'b', 'c'].map((id) => ({ id, signer: ephemeralSigner() }))
    await using three = await createStack({ plugins: [doubling, toyTier(KIND, oracle, 3)], nodes })
    const { program } = await three.publish(toyProgram)
    await (await three.infer({ program, inputs: input(1), require: KIND })).wait('verified')
    await using two = await createStack({ plugins: [doubling, toyTier(KIND, oracle, 3)], nodes: nodes.slice(0, 2) })
    await two.publish(toyProgram)
    const job = await two.infer({ program, inputs: input(1), require: KIND })
    const failure: unknown = await job.wait('verified').catch((e: unknown) => e)
    expect(isVeristackError(failure, 'VS_CORE_JOB_FAILED')).toBe(true)
    expect(String((failure as Error).cause)).toContain('already runs another execution')
  })

  test('a failing executor fails the job with its cause, and nothing rejects before somebody waits', async () => {
    await using stack = await createStack({ plugins: [doubling, toyTier()] })
    const { program } = await stack.publish(toyProgram)
    const job = await stack.infer({ program, inputs: input(13), require: KIND })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await expect(job.wait('executed')).rejects.toMatchObject({
      code: 'VS_CORE_JOB_FAILED',
      cause: new Error('thirteen'),
    })
    expect((await job.state()).execution).toBe('failed')
  })

  test('a failing prover fails the job with its cause, also where nothing else is left to wait for', async () => {
    const broken: Signer = { address: oracle.address, sign: () => Promise.reject(new Error('no key')) }
    await using stack = await createStack({ plugins: [doubling, toyTier(KIND, broken)] })
    const { program } = await stack.publish(toyProgram)
    const job = await stack.infer({ program, inputs: input(3), require: KIND })
    await expect(job.wait('verified')).rejects.toMatchObject({
      code: 'VS_CORE_JOB_FAILED',
      cause: new Error('no key'),
    })
  })

  test('waiting can be given up without ending the job; cancelling ends it', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow: Plugin = {
      ...doubling,
      register: (host: Host) =>
        host.provide('executor', () => ({
          semantics: ['toy/v1'],
          attaches: [],
          prepare: async (_, inputs) => inputs,
          execute: async ({ node, inputs }) => {
            await held
            return { executor: node, outputs: inputs.map((t) => ({ ...t, name: 'y' })), attachments: {} }
          },
        })),
    }
    await using stack = await createStack({ plugins: [slow, toyTier()] })
    const { program } = await stack.publish(toyProgram)
    const job = await stack.infer({ program, inputs: input(1), require: KIND })
    const waiting = new AbortController()
    const waited = job.wait('executed', { signal: waiting.signal })
    waiting.abort(new Error('enough'))
    await expect(waited).rejects.toThrow('enough')
    const cancelled = await stack.infer({ program, inputs: input(2), require: KIND })
    await cancelled.cancel()
    await expect(cancelled.wait('executed')).rejects.toMatchObject({ code: 'VS_CORE_CANCELLED' })
    release()
    expect((await job.wait('executed')).outputs).toEqual({ y: [1] })
  })

  test('stages that were not planned, unknown tiers and closed stacks are typed errors', async () => {
    const stack = await createStack({ plugins: [doubling, toyTier()] })
    const { program } = await stack.publish(toyProgram)
    await expect(stack.infer({ program, inputs: input(1), require: 'tee' })).rejects.toMatchObject({
      code: 'VS_CORE_UNKNOWN_TIER',
    })
    const job = await stack.infer({ program, inputs: input(1), require: KIND })
    await expect(job.wait('settled')).rejects.toMatchObject({ code: 'VS_CORE_STAGE_NOT_PLANNED' })
    await job.wait('verified')
    await stack.close()
    await expect(stack.infer({ program, inputs: input(1), require: KIND })).rejects.toMatchObject({
      code: 'VS_CORE_STACK_CLOSED',
    })
  })
})

describe('a requirement that counts kinds', () => {
  const [A, B] = ['toy/a', 'toy/b'] as const
  const leaf = (tier: string, n: number) => ({ tier, policy: { n } })
  const three = [leaf(A, 1), leaf(A, 2), leaf(A, 3)]
  const inferred = async (require: Require) => {
    await using stack = await createStack({ plugins: [doubling, toyTier(A), toyTier(B)] })
    const { program } = await stack.publish(toyProgram)
    const job = await stack.infer({ program, inputs: input(1), require })
    return (await verifyReceipt(await job.wait('verified'), { verifiers: [toyVerifier(A), toyVerifier(B)] })).status
  }

  test.each<[string, Require]>([
    ['alone', { atLeast: 2, of: three }],
    ['in a group', { any: [A, { all: [B, { atLeast: 2, of: three }] }] }],
    ['with too few kinds', { atLeast: 3, of: [...three, leaf(B, 1)] }],
  ])('and that no evidence could meet is refused before anything runs: %s', async (_, require) => {
    await expect(inferred(require)).rejects.toMatchObject({
      code: 'VS_CORE_REQUIREMENT_INVALID',
      message: expect.stringMatching(/one kind counts once/),
      details: { field: 'require', got: expect.stringMatching(/^toy\/a(, toy\/b)?$/) },
    })
  })

  test.each<[string, Require]>([
    ['two kinds', { atLeast: 2, of: [leaf(A, 1), leaf(A, 2), leaf(B, 1)] }],
    ['all, which counts nothing', { atLeast: 3, of: three }],
    ['any', { atLeast: 1, of: three }],
  ])('is taken where it can be met: %s', async (_, require) => {
    expect(await inferred(require)).toBe('accepted')
  })
})

test('a malformed secret is refused without being repeated', async () => {
  const secret = `0x${'5ec7e7'.repeat(9)}` as const
  const failure: unknown = await createStack({ plugins: [doubling], secret }).catch((e: unknown) => e)
  expect(isVeristackError(failure, 'VS_CORE_INVALID_DATA')).toBe(true)
  expect(String(failure)).not.toContain('5ec7e7')
})

describe('plugins', () => {
  const plugin = (name: string, more: Partial<Plugin> = {}): Plugin => ({
    specificationVersion: 'v1',
    name,
    version: '0.0.0',
    provides: [],
    register: () => undefined,
    ...more,
  })

  test('start in order, stop in reverse, and a failing start stops what was started', async () => {
    const log: string[] = []
    const logged = (name: string, breaks = false): Plugin =>
      plugin(name, {
        start: async () => {
          log.push(`+${name}`)
          if (breaks) throw new Error('no')
        },
        stop: async () => {
          log.push(`-${name}`)
        },
      })
    await (await createStack({ plugins: [logged('a'), logged('b')] })).close()
    expect(log.splice(0)).toEqual(['+a', '+b', '-b', '-a'])
    await expect(createStack({ plugins: [logged('a'), logged('b', true), logged('c')] })).rejects.toMatchObject({
      code: 'VS_CORE_PLUGIN_FAILED',
    })
    expect(log).toEqual(['+a', '+b', '-b', '-a'])
  })

  test('what a failing plugin says stands in the error, in one line', async () => {
    const failing = (cause: unknown): Plugin =>
      plugin('a', {
        start: async () => {
          throw cause
        },
      })
    await expect(createStack({ plugins: [failing(new Error('no such port\n  at all'))] })).rejects.toMatchObject({
      shortMessage: 'The plugin a failed at its start: no such port',
    })
    const errors = defineErrors({ VS_TEST: { title: 'An option can not be used', remedy: 'Another one.' } })
    const typed = errors('VS_TEST', { details: { field: 'port' } })
    await expect(createStack({ plugins: [failing(typed)] })).rejects.toMatchObject({
      shortMessage: 'The plugin a failed at its start: An option can not be used',
      details: { plugin: 'a', during: 'start', code: 'VS_TEST', field: 'port' },
      cause: typed,
    })
  })

  test('an unknown specification, undeclared roles and duplicates are refused by name', async () => {
    const future = { ...plugin('future'), specificationVersion: 'v2' } as unknown as Plugin
    await expect(createStack({ plugins: [future] })).rejects.toMatchObject({
      code: 'VS_CORE_UNSUPPORTED_SPECIFICATION',
      details: { plugin: 'future' },
    })
    const sneaky = plugin('sneaky', { register: (host) => host.provide('signer', () => ephemeralSigner()) })
    await expect(createStack({ plugins: [sneaky] })).rejects.toMatchObject({ code: 'VS_CORE_ROLE_NOT_DECLARED' })
    const empty = plugin('empty', { provides: ['signer'] })
    await expect(createStack({ plugins: [empty] })).rejects.toMatchObject({ code: 'VS_CORE_ROLE_NOT_DECLARED' })
    await expect(createStack({ plugins: [toyTier(), toyTier()] })).rejects.toMatchObject({
      code: 'VS_CORE_DUPLICATE_ROLE',
    })
  })
})
