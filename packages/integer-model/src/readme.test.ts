import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transformSync } from '@swc/core'
import { onnxFile } from './deep/models.ts'

test("the README's lines run", async () => {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8')
  const source = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const { code } = transformSync(source, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  })
  const folder = mkdtempSync(join(tmpdir(), 'integer-model-'))
  const model = onnxFile({
    inputs: { x: ['n', 4] },
    constants: { w: { shape: [4, 3], values: Array.from({ length: 12 }, (_, i) => Math.sin(i)) } },
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], output: 'y' }],
    outputs: ['y'],
  })
  writeFileSync(join(folder, 'model.onnx'), model)
  const printed: unknown[][] = []
  const modules: Record<string, unknown> = {
    '@veristack/core/receipt': await import('@veristack/core/receipt'),
    '@veristack/integer-model': await import('./index.ts'),
    'node:fs/promises': { readFile: async (name: string) => readFileSync(join(folder, name)) },
  }
  // Top-level await needs a function around it in CommonJS.
  const body = `return (async () => {${code}})()`
  try {
    await new Function('require', 'exports', 'console', body)(
      (name: string) => modules[name],
      {},
      { log: (...args: unknown[]) => printed.push(args) },
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
  expect(printed).toHaveLength(1)
  expect(printed[0]?.[0]).toMatch(/^0x[0-9a-f]{64}$/)
  expect(printed[0]?.[1]).toEqual([expect.objectContaining({ name: 'y', type: 'int32', shape: [1, 3] })])
})
