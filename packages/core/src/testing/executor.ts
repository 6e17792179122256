import { checkTensor, type Request, type Tensor } from '../claim/index.ts'
import type { Executor, Program } from '../plugin/roles.ts'
import { quietCall } from './prover.ts'
import { ensure, refuses, type SuiteBase, same, suite, throws } from './runner.ts'

export interface ExecutorFixture {
  readonly program: Program
  /** As a caller gives them. */
  readonly inputs: readonly Tensor[]
  /** What the program computes from them, known from elsewhere. */
  readonly expected: readonly Tensor[]
  /** Two requests of different nonce. */
  readonly requests: readonly [Request, Request]
}

export interface ExecutorSuiteOptions extends SuiteBase<Executor, 'finite'> {
  /** Capabilities: `finite` (it takes floats, and refuses those that are not finite). */
  readonly fixture: () => ExecutorFixture | Promise<ExecutorFixture>
}

/** What every executor must do: compute this program, the same every time, from well-formed inputs alone. */
export function executorSuite(options: ExecutorSuiteOptions): void {
  suite('executor', options, ({ test, needs }) => {
    const prepare = async () => {
      const [executor, f] = [await options.make(), await options.fixture()]
      const run = async (inputs = f.inputs, request = f.requests[0]) => {
        const prepared = await executor.prepare(f.program, inputs, quietCall())
        const { payer: node } = f.requests[0]
        return executor.execute({ request, node, claimant: node, program: f.program, inputs: prepared }, quietCall())
      }
      return { executor, f, run }
    }

    test('names its semantics', async () => {
      const { executor, f } = await prepare()
      ensure(executor.semantics.includes(f.program.semantics), 'the semantics of the fixture are not among them')
    })

    test('computes what the program computes', async () => {
      const { f, run } = await prepare()
      const { outputs } = await run()
      same(outputs.map(plain), f.expected.map(plain), 'the outputs')
      for (const t of outputs) checkTensor(t)
      same(new Set(outputs.map((t) => t.name)).size, outputs.length, 'the number of names')
    })

    test('computes the same again, and for another request', async () => {
      const { f, run } = await prepare()
      const first = (await run()).outputs.map(plain)
      for (let i = 0; i < 3; i++) same((await run()).outputs.map(plain), first, 'the outputs of a repeated run')
      same((await run(f.inputs, f.requests[1])).outputs.map(plain), first, 'the outputs for another request')
    })

    test('runs on behalf of the node that it is told', async () => {
      const { f, run } = await prepare()
      same((await run()).executor, f.requests[0].payer, 'the executor')
    })

    test('prepares the same inputs the same way, and takes them in any order', async () => {
      const { executor, f } = await prepare()
      const prepared = async (inputs: readonly Tensor[]) =>
        (await executor.prepare(f.program, inputs, quietCall())).map(plain)
      const first = await prepared(f.inputs)
      same(await prepared(f.inputs), first, 'the prepared inputs')
      same(await prepared(f.inputs.toReversed()), first, 'the inputs in the other order')
    })

    test('changes nothing that it is given', async () => {
      const { f, run } = await prepare()
      const before = structuredClone(f.inputs)
      await run()
      same(f.inputs, before, 'the inputs')
    })

    test('refuses inputs that are missing, unknown, repeated, of another shape or of the wrong length', async () => {
      const { f, run } = await prepare()
      const [first, ...rest] = f.inputs
      ensure(first !== undefined, 'the fixture has no inputs')
      await refuses(() => run(rest), 'a missing input')
      await refuses(() => run([...f.inputs, { ...first, name: 'conformance-unknown' }]), 'an unknown input')
      await refuses(() => run([...f.inputs, first]), 'a repeated input')
      await refuses(() => run([{ ...first, shape: [...first.shape, 1, 1] }, ...rest]), 'another rank')
      await refuses(() => run([{ ...first, data: first.data.slice(1) }, ...rest]), 'a byte less')
    })

    test('refuses a program of other semantics', async () => {
      const { executor, f } = await prepare()
      const program = { ...f.program, semantics: 'conformance/unknown' }
      await refuses(() => executor.prepare(program, f.inputs, quietCall()), 'unknown semantics')
    })

    needs('finite', 'refuses NaN and infinity', async () => {
      const { f, run } = await prepare()
      const at = f.inputs.findIndex((t) => t.type === 'float32' || t.type === 'float64')
      const t = f.inputs[at]
      ensure(t !== undefined, 'the fixture has no float input')
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const data = t.data.slice()
        const view = new DataView(data.buffer)
        if (t.type === 'float32') view.setFloat32(0, value, true)
        else view.setFloat64(0, value, true)
        await refuses(() => run(f.inputs.with(at, { ...t, data })), String(value))
      }
    })

    test('stops for an aborted signal', async () => {
      const { executor, f } = await prepare()
      const prepared = await executor.prepare(f.program, f.inputs, quietCall())
      const [request] = f.requests
      const job = { request, node: request.payer, claimant: request.payer, program: f.program, inputs: prepared }
      await throws(() => executor.execute(job, quietCall(AbortSignal.abort())), 'an aborted execution')
    })
  })
}

const plain = (t: Tensor) => ({ name: t.name, type: t.type, shape: t.shape, data: t.data })
