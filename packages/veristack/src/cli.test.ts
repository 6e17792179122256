import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { serialiseAnchors, serialiseReceipt, tensor } from '@veristack/core'
import { fakeStack } from '@veristack/core/testing'
import { main } from './cli.ts'

const own = resolve(__dirname, '..')

describe('the command line', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veristack-cli-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const run = async (...argv: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []]
    const io = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void err.push(text),
      cwd: folder,
      signal: new AbortController().signal,
      isTerminal: false,
    }
    const status = await main(argv, io, { own, folder })
    return { status, out: out.join(''), err: err.join('') }
  }
  const write = (name: string, text: string | Uint8Array) => writeFile(join(folder, name), text)

  /** A receipt of a tier that this command line has no verifier for. */
  const receiptOfAStranger = async (): Promise<void> => {
    const stack = await fakeStack()
    const job = await stack.infer({
      program: stack.program,
      inputs: [tensor('x', 'int32', [2], [1, 2])],
      require: 'fake',
    })
    await write('receipt.json', serialiseReceipt(await job.wait('verified')))
    await write('anchors.json', serialiseAnchors(stack.anchors))
    await stack.close()
  }

  test('tells its commands, and a command its options', async () => {
    const { status, out } = await run('--help')
    expect(status).toBe(0)
    for (const name of ['infer', 'lower', 'verify', 'deploy']) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(await run('verify', '--help')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^veristack verify RECEIPT/),
    })
  })

  test('tells its version', async () => {
    const { version } = JSON.parse(await readFile(join(own, 'package.json'), 'utf8'))
    expect(await run('--version')).toEqual({ status: 0, out: `${version}\n`, err: '' })
  })

  test('has the commands of the packages that it depends on', async () => {
    expect(await run('deploy', '--help')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^veristack deploy --network NETWORK/),
    })
    expect(await run('deploy', '--network', 'local', '--rpc-url', 'http://127.0.0.1:1')).toMatchObject({
      status: 1,
      out: '',
      err: expect.stringMatching(/^veristack: The chain does not answer; .*\[VS_EVM_UNREACHABLE\]\n$/),
    })
  })

  test.each([['deplyo', '--private-key'], ['deploy', '--private-key'], ['deploy'], []])(
    '%s %s KEY: the key is not repeated',
    async (...argv) => {
      const key = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
      const { status, out, err } = await run(...argv, `0x${key}`)
      expect(status).toBe(1)
      expect(out + err).not.toContain(key.slice(0, 8))
    },
  )

  test.each([
    ['a folder that is missing', ['infer', '--receipt', 'out/receipt.json'], /no such folder: out;/],
    ['a folder for the anchors that is missing', ['infer', '--anchors', 'a/b/anchors.json'], /no such folder: a\/b;/],
    ['a folder in place of the receipt', ['infer', '--receipt', '.'], /path: \.; reason: is a folder/],
    ['a file in place of a folder', ['infer', '--receipt', 'file/receipt.json'], /is not a folder/],
    ['no plain file', ['infer', '--receipt', '/dev/null'], /is not a plain file/],
    ['one file for both', ['infer', '--receipt', 'r.json', '--anchors', './r.json'], /another file than the receipt/],
    ['a folder for the program that is missing', ['lower', '--out', 'out/x.program'], /no such folder: out;/],
  ])('%s is refused before the model is read', async (_, [command = '', ...args], message) => {
    await write('file', '')
    const inputs = command === 'infer' ? ['--inputs', 'none'] : []
    const { status, err } = await run(command, '--model', 'none.onnx', ...inputs, '--calibration', 'none', ...args)
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(message) })
    expect(await readdir(folder)).toEqual(['file'])
  })

  test('a folder does not choose who judges the receipt that lies in it', async () => {
    await receiptOfAStranger()
    const evil = join(folder, 'node_modules', 'evil')
    await mkdir(evil, { recursive: true })
    await write('package.json', JSON.stringify({ dependencies: { evil: '1' } }))
    await writeFile(
      join(evil, 'package.json'),
      JSON.stringify({ name: 'evil', version: '1.0.0', veristack: { verifiers: 'evil/v.cjs' } }),
    )
    const accepts = `{ status: 'accepted', tier: 'fake', checks: [], assumptions: [], covers: [...s.signed.inputs, ...s.signed.outputs] }`
    await writeFile(
      join(evil, 'v.cjs'),
      `exports.verifiers = [{ kind: 'fake/signature', tier: 'fake', verify: async (s) => (${accepts}) }]`,
    )
    expect(await run('verify', 'receipt.json', '--anchors', 'anchors.json')).toMatchObject({ status: 1 })
    expect((await run('verify', 'receipt.json', '--anchors', 'anchors.json')).out).toMatch(/^undetermined: plugin/)
  })

  test.each([
    ['verify', '--', '--help'],
    ['verify', 'receipt.json', '--help'],
    ['verify', 'receipt.json', '--anchors', '--help'],
    ['verify', '--help', '--help'],
  ])('%s %s %s is no success', async (...argv) => {
    expect((await run(...argv)).status).toBe(1)
  })

  test.each([
    ['no receipt', ['verify'], /one receipt file/],
    ['two receipts', ['verify', 'a', 'b'], /one receipt file/],
    ['a missing file', ['verify', 'none.json'], /none\.json; reason: no such file/],
    ['a folder', ['verify', '.'], /is a folder/],
    ['no JSON', ['verify', 'text'], /VS_CORE/],
    ['bytes that are no text', ['verify', 'bytes'], /UTF-8/],
    ['a byte order mark', ['verify', 'marked'], /VS_CORE/],
    ['anchors as a receipt', ['verify', 'anchors.json'], /VS_CORE/],
    ['a time that is none', ['verify', 'text', '--now', 'soon'], /Unix seconds|VS_CORE/],
    ['an unknown command', ['frobnicate'], /VS_CLI_UNKNOWN_COMMAND/],
    ['text beside options', ['infer', 'hello', '--model', 'm', '--inputs', 'i', '--calibration', 'c'], /1 more beside/],
    ['plugins of nowhere', ['verify', 'none.json', '--plugins', 'nope'], /none\.json|nope/],
    [
      'an unknown network',
      ['infer', '--model', 'm', '--inputs', 'i', '--calibration', 'c', '--network', 'mars'],
      /local or none/,
    ],
  ])('%s: one line and status 1', async (_, argv, message) => {
    await write('text', 'hello')
    await write('bytes', Uint8Array.of(0x7b, 0xff, 0x7d))
    await write('marked', '\uFEFF{}')
    await write('anchors.json', '{"version":1,"anchors":[]}')
    const { status, out, err } = await run(...argv)
    expect(status).toBe(1)
    expect(out).toBe('')
    expect(err).toMatch(message)
    expect(err.trim().split('\n')).toHaveLength(1)
  })
})
