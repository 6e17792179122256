// A model of one's own, in processes and a folder of their own: what is printed of it, and what is said when something is off.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type NodeSpec, onnxFile } from '../../packages/integer-model/src/deep/models.ts'

const root = resolve(__dirname, '../..')
const MATMUL: NodeSpec = { op: 'MatMul', inputs: ['x', 'w'], output: 'y' }

const modelOf = (
  nodes: readonly NodeSpec[],
  outputs: readonly string[],
  shape: readonly (number | string)[] = ['n', 4],
) =>
  onnxFile({
    inputs: { x: shape },
    constants: { w: { shape: [4, 3], values: Array.from({ length: 12 }, (_, i) => Math.sin(i)) } },
    nodes,
    outputs,
  })

describe('a model of one’s own', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veristack-own-model-'))
    await mkdir(join(folder, 'samples'))
    await mkdir(join(folder, 'few'))
    const label: NodeSpec = { op: 'ArgMax', inputs: ['y'], output: 'label', attributes: { axis: 1, keepdims: 0 } }
    const files: Readonly<Record<string, string | Uint8Array>> = {
      'my.onnx': modelOf([MATMUL, label], ['y', 'label']),
      'softmax.onnx': modelOf([MATMUL, { op: 'Softmax', inputs: ['y'], output: 'p' }], ['p']),
      'dynamic.onnx': modelOf([MATMUL], ['y'], ['n', 'time', 4]),
      'in.json': '[0.1, 0.2, 0.3, 0.4]',
      'far.json': '[0.1, -50, 0.3, 4000]',
      'few/0.json': '[1, 1, 1, 1]',
      'no-folder': '',
    }
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    for (let i = 0; i < 10; i++)
      await writeFile(join(folder, `samples/${i}.json`), JSON.stringify([0, 1, 2, 3].map((j) => Math.cos(i * 7 + j))))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const start = (
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    nodeArgs: readonly string[] = [],
  ): ChildProcess =>
    spawn(
      process.execPath,
      [...nodeArgs, join(root, 'scripts/built.mjs'), 'examples/customer-service/dist/quickstart.js', ...args],
      { cwd: folder, env: { ...process.env, ...env } },
    )
  const infer = (model: string, inputs: string, calibration: string, ...more: readonly string[]) => [
    ...['--model', model, '--inputs', inputs, '--calibration', calibration],
    ...['--network', 'none', ...more],
  ]
  const outcome = async (child: ChildProcess) => {
    const [out, err]: [string[], string[]] = [[], []]
    child.stdout?.on('data', (chunk) => out.push(String(chunk)))
    child.stderr?.on('data', (chunk) => err.push(String(chunk)))
    const status = await new Promise<number | null>((done) => child.on('close', done))
    return { status, out: out.join(''), err: err.join('') }
  }

  test('is shown in integers and real numbers, with its agreement; the receipt is left though nobody reads on', async () => {
    const whole = await outcome(start(infer('my.onnx', 'in.json', 'samples')))
    expect(whole.out).toMatch(/^agreement +y off by [\d.e-]+ on average.*label [\d.]+ % equal.*on 2 held-out samples/m)
    const [, real = '', integers = '', scale = ''] =
      /^y +(\S+ \S+ \S+) {2}from the integers (\S+ \S+ \S+) {2}\(.*times (\S+)\)$/m.exec(whole.out) ?? []
    const expected = [0, 1, 2].map((o) => [0.1, 0.2, 0.3, 0.4].reduce((s, x, i) => s + x * Math.sin(3 * i + o), 0))
    for (const [i, value] of real.split(' ').map(Number).entries()) {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 1)
      expect(value).toBeCloseTo(Number(integers.split(' ')[i]) * Number(scale), 4)
    }
    expect(whole.err).not.toContain('warning')
    expect(whole.status).toBe(0)

    await rm(join(folder, 'receipt.json'))
    const child = start(infer('my.onnx', 'in.json', 'samples'))
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { status, err } = await outcome(child)
    expect({ status, trace: / at .*:\d+:\d+/.test(err) }).toEqual({ status: 141, trace: false })
    expect(JSON.parse(await readFile(join(folder, 'receipt.json'), 'utf8'))).toMatchObject({ version: 1 })
  }, 240_000)

  test('an input beyond calibration is told of, and so is a cache that can not be kept', async () => {
    const home = join(folder, 'no-folder')
    const env = { HOME: home, XDG_CACHE_HOME: '', XDG_CONFIG_HOME: '' }
    const { status, out, err } = await outcome(start(infer('my.onnx', 'far.json', 'few'), env))
    const warnings = err.split('\n').filter((line) => line.startsWith('warning: '))
    expect(warnings).toEqual([
      expect.stringMatching(/2 of 4 values of input x lie outside of 0\.\.1, .*were cut to it \(.* from -50 to 4000\)/),
      expect.stringContaining(`${home}/.config/veristack/cache-secret can not be made (ENOTDIR)`),
      expect.stringMatching(/\.cache\/veristack can not be made \(ENOTDIR\).*nothing is stored.*XDG_CACHE_HOME/),
    ])
    expect(out).toMatch(/^agreement +not measured: of 1 calibration sample none was held out/m)
    expect(status).toBe(0)
  }, 120_000)

  test.each([
    ['Softmax at the end', 'softmax.onnx', /ends with it: export the model with y as its output/],
    ['a second dynamic axis', 'dynamic.onnx', /input x: axis 1 \(time\) is dynamic/],
  ])('%s is refused with the way on, before inputs are read', async (_, model, message) => {
    const { status, out, err } = await outcome(start(infer(model, 'none.json', 'none')))
    expect({ status, out, err }).toEqual({ status: 1, out: '', err: expect.stringMatching(message) })
  })

  test('an interrupted build takes everything with it that it started', async () => {
    const hook = join(folder, 'slow-build.mjs')
    const grandchild = "console.error('pid ' + process.pid); setInterval(() => {}, 1000)"
    const child = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: ['ignore', 3, 3] }); setInterval(() => {}, 1000)`
    await writeFile(
      hook,
      `import child from 'node:child_process'
       import { openSync } from 'node:fs'
       import { syncBuiltinESMExports } from 'node:module'
       const spawn = child.spawn
       const log = openSync(${JSON.stringify(join(folder, 'pid'))}, 'w')
       child.spawn = (file, args, options) =>
         spawn(file, ['-e', ${JSON.stringify(child)}], { ...options, stdio: ['ignore', 'pipe', 'pipe', log] })
       syncBuiltinESMExports()`,
    )
    const run = start(['hello'], {}, ['--import', pathToFileURL(hook).href])
    const ended = outcome(run)
    const pid = await eventually(async () => /pid (\d+)\n/.exec(await readFile(join(folder, 'pid'), 'utf8'))?.[1])
    expect(isAlive(Number(pid))).toBe(true)
    run.kill('SIGINT')
    const { status, err } = await ended
    expect({ status, err }).toEqual({ status: 130, err: expect.stringContaining('interrupted while') })
    await eventually(async () => (isAlive(Number(pid)) ? undefined : 'ended'))
    expect(await readdir(folder)).toContain('pid')
  }, 60_000)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The first answer that there is; the test's own time limit ends the asking. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    await new Promise((done) => setTimeout(done, 50))
  }
}
