import { createHash } from 'node:crypto'
import { numbers, parseProgramId, type Tensor, tensor } from '@veristack/core'
import type { Reference } from '@veristack/integer-model'
import { ethers } from 'ethers'
import { type FloatReference, floatReference } from './float-program.ts'
import { external, floats, graph, matmul, modelBytes, node, port, T } from './models.fixture.ts'
import { floatProgramId } from './onnx.ts'
import { type OpenSession, openSession } from './session.ts'
import { call, refusal, stage } from './stage.fixture.ts'

const x = (shape: number[], ...values: number[]): Tensor => tensor('x', 'float32', shape, values)

describe('float programs', () => {
  test('run as they are', async () => {
    const { executor, float, run, stop } = stage()
    const program = await float(matmul())
    const prepared = await executor.prepare(program, [x([2, 2], 1, 0, 0.5, -1)], call())
    const [y] = await run(program, prepared)
    expect(y).toMatchObject({ name: 'y', type: 'float32', shape: [2, 2] })
    expect(y && numbers(y)).toEqual([1, 2, -2.5, -3])
    await stop()
  })

  test('come as a reference for a lowering report', async () => {
    const reference: FloatReference & Reference = floatReference(matmul())
    const [y] = await reference({ x: x([1, 2], 1, 1) })
    expect(y && numbers(y)).toEqual([4, 6])
    await expect(reference({ x: x([1, 3], 1, 1, 1) })).rejects.toThrow('VS_ONNX_INVALID_INPUT')
    await reference.release()
    expect(await refusal(() => floatReference(new Uint8Array(10)))).toMatch(/^VS_MODEL_INVALID_ONNX/)
  })

  test.each<[string, Tensor[], string]>([
    ['NaN', [x([1, 2], 0, Number.NaN)], 'input x[1]'],
    ['infinity', [x([1, 2], Number.POSITIVE_INFINITY, 0)], 'input x[0]'],
    ['another type', [tensor('x', 'float64', [1, 2], [1, 2])], 'input x.type'],
    ['another rank', [x([2], 1, 2)], 'input x.shape'],
    ['another size', [x([1, 3], 1, 2, 3)], 'input x.shape'],
    ['a size of zero where it is open', [x([0, 2])], 'input x.shape'],
    ['nothing', [], 'input x'],
    ['a feed too many', [x([1, 2], 1, 2), { ...x([1, 2], 1, 2), name: 'z' }], 'input z'],
    ['a feed for a weight', [x([1, 2], 1, 2), { ...x([2, 2], 1, 2, 3, 4), name: 'w' }], 'input w'],
    ['a feed twice', [x([1, 2], 1, 2), x([1, 2], 1, 2)], 'input x'],
  ])('refuse %s', async (_, inputs, field) => {
    const { executor, float, run, stop } = stage()
    const program = await float(matmul())
    expect(await refusal(() => executor.prepare(program, inputs, call()))).toBe(`VS_ONNX_INVALID_INPUT ${field}`)
    expect(await refusal(() => run(program, inputs))).toBe(`VS_ONNX_INVALID_INPUT ${field}`)
    await stop()
  })

  test.each<[string, Tensor]>([
    ['a huge shape over few bytes', { ...x([1, 2], 1, 2), shape: [2 ** 31 - 1, 2] }],
    ['bytes that do not fit the shape', { ...x([1, 2], 1, 2), data: new Uint8Array(9) }],
    ['a dimension that is no number', { ...x([1, 2], 1, 2), shape: [Number.NaN, 2] }],
  ])('refuse %s', async (_, input) => {
    const { executor, float, stop } = stage()
    const program = await float(matmul())
    expect(await refusal(() => executor.prepare(program, [input], call()))).toMatch(
      /^VS_CORE_INVALID_DATA tensor|^VS_(CORE_INVALID_DATA|ONNX_INVALID_INPUT) input x/,
    )
    await stop()
  })

  test('hold a named dimension to one size, and a bool to 0 and 1', async () => {
    const { executor, float, stop } = stage()
    const program = await float(
      modelBytes({
        nodes: [node('Where', ['c', 'a', 'b'], ['y'])],
        inputs: [port('c', T.BOOL, ['n']), port('a', T.FLOAT, ['n']), port('b', T.FLOAT)],
        outputs: [port('y', T.FLOAT)],
      }),
    )
    const feed = (n: number, flag: number) => [
      { name: 'c', type: 'bool' as const, shape: [2], data: Uint8Array.of(1, flag) },
      tensor('a', 'float32', [n], Array(n).fill(1)),
      tensor('b', 'float32', [1], [2]),
    ]
    await expect(executor.prepare(program, feed(2, 0), call())).resolves.toHaveLength(3)
    expect(await refusal(() => executor.prepare(program, feed(3, 0), call()))).toBe(
      'VS_ONNX_INVALID_INPUT input a.shape',
    )
    expect(await refusal(() => executor.prepare(program, feed(2, 2), call()))).toBe('VS_CORE_INVALID_DATA input c.data')
    await stop()
  })

  test('are refused where the id is not the digest of the file', async () => {
    const { float, run, stop } = stage()
    const [program, other] = [await float(matmul()), await float(modelBytes({ ...identity, outputs: [] }))]
    expect(await refusal(() => run({ ...program, id: other.id }, [x([1, 2], 1, 2)]))).toBe(
      'VS_ONNX_PROGRAM_MISMATCH program.id',
    )
    expect(await refusal(() => run({ ...program, blob: other.blob }, [x([1, 2], 1, 2)]))).toBe(
      'VS_ONNX_PROGRAM_MISMATCH program.id',
    )
    expect(await refusal(() => run({ ...program, semantics: 'acme/v1' }, []))).toBe(
      'VS_ONNX_UNSUPPORTED_SEMANTICS program.semantics',
    )
    await stop()
  })

  test('have an id of their semantics, not the hash of the file', async () => {
    const { float, run, stop } = stage()
    const bytes = matmul()
    const file = createHash('sha256').update(bytes).digest()
    const tag = ethers.id('onnx-float/v1')
    expect(floatProgramId(bytes)).toBe(ethers.keccak256(ethers.concat([tag, file])))
    const program = { ...(await float(bytes)), id: parseProgramId(`0x${file.toString('hex')}`) }
    expect(await refusal(() => run(program, [x([1, 2], 1, 2)]))).toBe('VS_ONNX_PROGRAM_MISMATCH program.id')
    await stop()
  })

  test('are refused where the store returns other bytes than were asked for', async () => {
    const { blobs, executor, float, stop } = stage()
    const program = await float(matmul())
    const get = blobs.get.bind(blobs)
    blobs.get = async (ref, signal) => (await get(ref, signal)).map((b, i) => (i === 20 ? b ^ 1 : b))
    expect(await refusal(() => executor.prepare(program, [], call()))).toBe(
      'VS_ONNX_PROGRAM_MISMATCH program.blob.digest',
    )
    await stop()
  })

  test('that a runtime answers with NaN or another shape give an error', async () => {
    for (const [alter, field] of [
      [(t: Tensor) => ({ ...t, data: x([1, 2], 0, Number.NaN).data }), 'output y[1]'],
      [(t: Tensor) => ({ ...t, shape: [2] }), 'output y.shape'],
      [(t: Tensor) => ({ ...t, type: 'int32' as const }), 'output y.type'],
    ] as const) {
      const open: OpenSession = async (model) => {
        const session = await openSession(model)
        return { ...session, run: async (inputs, names) => (await session.run(inputs, names)).map(alter) }
      }
      const { float, run, stop } = stage({ open })
      expect(await refusal(async () => run(await float(matmul()), [x([1, 2], 1, 2)]))).toBe(
        `VS_ONNX_INVALID_OUTPUT ${field}`,
      )
      await stop()
    }
  })
})

const identity = {
  nodes: [node('Identity', ['x'], ['y'])],
  inputs: [port('x', T.FLOAT, [1])],
  outputs: [port('y', T.FLOAT, [1])],
}
const subgraph = graph({ ...identity, inputs: [] })

describe('before onnxruntime sees a byte', () => {
  const opened: OpenSession = () => Promise.reject(new Error('onnxruntime was reached'))

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing at all', new Uint8Array(0), /^VS_MODEL_INVALID_ONNX/],
    ['noise', Uint8Array.from({ length: 300 }, (_, i) => (i * 97) % 251), /^VS_MODEL_INVALID_ONNX/],
    ['half a model', matmul().slice(0, 60), /^VS_MODEL_INVALID_ONNX/],
    ['trailing bytes', Uint8Array.of(...matmul(), 0xfa, 0x7f, 0x00), /^VS_MODEL_INVALID_ONNX/],
    ['weights outside the file', modelBytes({ ...identity, initializers: [external('w')] }), /^VS_MODEL_INVALID_ONNX/],
    [
      'weights outside the file in a constant',
      modelBytes({ ...identity, nodes: [node('Constant', [], ['y'], [{ name: 'value', t: external('w') }])] }),
      /^VS_MODEL_INVALID_ONNX/,
    ],
    [
      'another domain',
      modelBytes({ ...identity, nodes: [node('Identity', ['x'], ['y'], [], 'com.microsoft')] }),
      /^VS_MODEL_UNSUPPORTED/,
    ],
    [
      'a function of its own',
      modelBytes({ ...identity, functions: [{ name: 'Identity', domain: 'acme' }] }),
      /^VS_MODEL_UNSUPPORTED/,
    ],
    [
      'a loop',
      modelBytes({ ...identity, nodes: [node('Loop', ['', '', 'x'], ['y'], [{ name: 'body', g: subgraph }])] }),
      /^VS_MODEL_UNSUPPORTED/,
    ],
    [
      'a 4-bit output',
      modelBytes({
        ...identity,
        nodes: [node('Cast', ['x'], ['y'], [{ name: 'to', i: T.INT4 }])],
        outputs: [port('y', T.INT4, [1])],
      }),
      /^VS_ONNX_PROGRAM_REFUSED node 0 \(Cast\) attribute to/,
    ],
    [
      'a 4-bit output under a false name',
      modelBytes({ ...identity, nodes: [node('Cast', ['x'], ['y'], [{ name: 'to', i: T.UINT4 }])] }),
      /^VS_ONNX_PROGRAM_REFUSED node 0 \(Cast\) attribute to/,
    ],
    [
      '4-bit weights',
      modelBytes({
        ...identity,
        initializers: [{ ...floats('w', [2], []), dataType: T.INT4, rawData: Uint8Array.of(0x21) }],
      }),
      /^VS_ONNX_PROGRAM_REFUSED initializer w/,
    ],
    [
      'a 4-bit input',
      modelBytes({ ...identity, inputs: [port('x', T.UINT4, [1])] }),
      /^VS_ONNX_PROGRAM_REFUSED input x/,
    ],
    [
      'text',
      modelBytes({ ...identity, inputs: [port('x', T.STRING, [1])], outputs: [port('y', T.STRING, [1])] }),
      /^VS_ONNX_PROGRAM_REFUSED input x/,
    ],
    [
      'an impossible dimension',
      modelBytes({ ...identity, inputs: [port('x', T.FLOAT, [-5])] }),
      /^VS_MODEL_INVALID_ONNX/,
    ],
  ])('%s is refused', async (_, bytes, expected) => {
    const { executor, float, run, stop } = stage({ open: opened })
    const program = await float(bytes)
    expect(await refusal(() => executor.prepare(program, [x([1], 1)], call()))).toMatch(expected)
    expect(await refusal(() => run(program, [x([1], 1)]))).toMatch(expected)
    await stop()
  })
})
