// What a newcomer types, in processes of its own and a folder of its own.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(__dirname, '../..')

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

describe('the quickstart', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veristack-quickstart-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const run = (script: string, args: readonly string[], nodeArgs: readonly string[] = []): Promise<Outcome> =>
    new Promise((done) => {
      execFile(
        process.execPath,
        [...nodeArgs, join(root, 'scripts/built.mjs'), script, ...args],
        { cwd: folder },
        (error, out, err) =>
          done({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
      )
    })
  const quickstart = (...args: readonly string[]) => run('examples/customer-service/dist/quickstart.js', args)
  const verify = (...args: readonly string[]) => run('packages/veristack/bin/veristack.js', ['verify', ...args])

  test('prints every stage and leaves a receipt that a fresh process accepts', async () => {
    const { status, out, err } = await quickstart('I still have not received my new card')
    expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' })
    for (const stage of [
      /^intent +card_arrival.*proved/m,
      /^score .*not proved on chain/m,
      /^execution .*ms/m,
      /^proof .*ms/m,
      /^verification .*ms/m,
      /^settlement +0x[0-9a-f]{64} .*gas: request \d+, submit \d+/m,
      /^receipt +receipt\.json/m,
      /^anchors +anchors\.json/m,
    ]) {
      expect(out).toMatch(stage)
    }
    expect(await verify('receipt.json', '--anchors', 'anchors.json')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^accepted\n/),
    })
    expect(await verify('receipt.json')).toMatchObject({
      status: 1,
      out: expect.stringMatching(/^undetermined: anchor\n/),
    })
  }, 240_000)

  test('verification loads neither a model runtime, a prover nor a chain library', async () => {
    const hook = join(folder, 'list.mjs')
    await writeFile(
      hook,
      `import { register } from 'node:module'
       import { MessageChannel } from 'node:worker_threads'
       const { port1, port2 } = new MessageChannel()
       const urls = []
       port1.on('message', (url) => urls.push(url)).unref()
       const source = "let port; export const initialize = (data) => { port = data.port }; export const load = (url, c, next) => { port.postMessage(url); return next(url, c) }"
       register('data:text/javascript,' + encodeURIComponent(source), { data: { port: port2 }, transferList: [port2] })
       process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify([...urls, ...Object.keys(globalThis.require?.cache ?? {})]) + '\\n'))
      `,
    )
    const { status, err } = await run(
      'packages/veristack/bin/veristack.js',
      ['verify', 'receipt.json', '--anchors', 'anchors.json'],
      ['--import', pathToFileURL(hook).href],
    )
    expect(status).toBe(0)
    const loaded = /LOADED (.*)/.exec(err)?.[1] ?? ''
    expect(loaded).toContain('verify-zkml')
    expect(loaded).not.toMatch(/node_modules\/(onnxruntime-node|snarkjs|ethers|ffjavascript)\//)
  })

  test('a changed receipt is refused with exit status 1 and the reason', async () => {
    const text = await readFile(join(folder, 'receipt.json'), 'utf8')
    const price = /"priceWei":\s*"(\d+)"/.exec(text)?.[0] ?? ''
    await writeFile(join(folder, 'changed.json'), text.replace(price, '"priceWei": "7"'))
    const { status, out } = await verify('changed.json', '--anchors', 'anchors.json')
    expect(status).toBe(1)
    expect(out).toMatch(/^rejected: /)
    expect(out).toMatch(/request id/)
  })

  test.each([
    ['empty text', ['']],
    ['a text beside a model', ['hello', '--model', 'broken.onnx', '--inputs', 'in.json', '--calibration', '.']],
    [
      'a receipt in a folder that is missing',
      ['--model', 'm', '--inputs', 'i', '--calibration', 'c', '--receipt', 'out/r'],
    ],
    ['a missing model', ['--model', 'none.onnx', '--inputs', 'in.json', '--calibration', '.']],
    ['no calibration', ['--model', 'broken.onnx', '--inputs', 'in.json']],
    ['a broken model', ['--model', 'broken.onnx', '--inputs', 'in.json', '--calibration', '.']],
    ['an unknown option', ['--modle', 'x']],
  ])('bad input, %s: one line and a status that is not zero', async (_, args) => {
    await writeFile(join(folder, 'broken.onnx'), 'not a model')
    const { status, out, err } = await quickstart(...args)
    expect(status).toBe(1)
    expect(out).toBe('')
    expect(
      err
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('  ')),
    ).toHaveLength(1)
    expect(err).not.toMatch(/ at .*:\d+:\d+/)
  })

  test('tells how it is called: when asked, and where nothing was said', async () => {
    const asked = await quickstart('--help')
    expect(asked).toMatchObject({ status: 0, err: '', out: expect.stringMatching(/^npm run quickstart -- "TEXT"\n/) })
    expect(asked.out).toContain('--calibration')
    expect(await quickstart()).toEqual({ status: 1, out: '', err: asked.out })
  })

  test('no free port: one line and a status that is not zero', async () => {
    const hook = join(folder, 'no-port.mjs')
    await writeFile(
      hook,
      `import child from 'node:child_process'
       import { syncBuiltinESMExports } from 'node:module'
       const spawn = child.spawn
       const refused = 'console.error("Error: Address already in use (os error 98)"); process.exit(1)'
       child.spawn = (file, args, options) =>
         /anvil/.test(file) ? spawn(process.execPath, ['-e', refused], options) : spawn(file, args, options)
       syncBuiltinESMExports()`,
    )
    const { status, err } = await run(
      'examples/customer-service/dist/quickstart.js',
      ['where is my card'],
      ['--import', pathToFileURL(hook).href],
    )
    expect(status).toBe(1)
    expect(
      err
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('  ')),
    ).toHaveLength(1)
    expect(err).toMatch(/Address already in use/)
  })
})
