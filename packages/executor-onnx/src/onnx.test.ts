import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Executor, type Host, memoryBlobs, type Plugin, type Role, type Roles } from '@veristack/core'
import { onnx, onnxErrors } from './index.ts'
import { refusal } from './stage.fixture.ts'

function registered(plugin: Plugin): Executor {
  const found: Executor[] = []
  const host: Host = {
    use: <R extends Role>() => memoryBlobs() as Roles[R],
    all: () => [],
    provide(role, make) {
      if (role === 'executor') found.push(make(host) as Executor)
    },
  }
  plugin.register(host)
  const [executor] = found
  if (executor === undefined) throw new Error('no executor was provided')
  return executor
}

describe('onnx()', () => {
  test('is a plugin that provides an executor of both semantics', async () => {
    const plugin = onnx()
    const manifest: { version: string } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8'))
    expect(plugin).toMatchObject({
      specificationVersion: 'v1',
      name: '@veristack/executor-onnx',
      version: manifest.version,
      provides: ['executor'],
    })
    expect(registered(plugin)).toMatchObject({ semantics: ['integer/v1', 'onnx-float/v1'], attaches: [] })
    await plugin.stop?.()
  })

  test.each([
    ['canonCheck.every', () => onnx({ canonCheck: { every: 0 } })],
    ['maxPrograms', () => onnx({ maxPrograms: 1.5 })],
    ['maxProgramBytes', () => onnx({ maxProgramBytes: -1 })],
    ['maxInputBytes', () => onnx({ maxInputBytes: Number.NaN })],
  ])('refuses a bad %s', async (field, make) => {
    expect(await refusal(make)).toBe(`VS_ONNX_INVALID_OPTION ${field}`)
  })

  test('every error of the package says what to do', () => {
    for (const { code, title, remedy } of onnxErrors.descriptors) {
      expect(code).toMatch(/^VS_ONNX_[A-Z_]+$/)
      expect(title.length * remedy.length).toBeGreaterThan(0)
    }
  })

  test('importing the package does not load onnxruntime', async () => {
    const script = `
      const { createRequire } = await import('node:module')
      await import(${JSON.stringify(join(__dirname, 'index.ts'))})
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((f) => f.includes('onnxruntime'))
      const native = process.report.getReport().sharedObjects.filter((f) => f.includes('onnxruntime'))
      console.log(JSON.stringify([...loaded, ...native]))`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@veristack/source', '--import', 'tsx', '--input-type=module', '-e', script],
      { cwd: join(__dirname, '../../..') },
    )
    expect(JSON.parse(stdout)).toEqual([])
  })
})
