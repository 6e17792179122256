// What only shows in a process of its own: closed pipes and signals.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const root = resolve(__dirname, '../../../..')

describe('processIo', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(root, 'node_modules/.veristack-process-io-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const start = async (name: string, lines: string): Promise<ChildProcess> => {
    const file = join(folder, `${name}.mts`)
    const source = join(root, 'packages/veristack/src/terminal/process-io.ts')
    await writeFile(
      file,
      `import { endProcess, processIo } from ${JSON.stringify(source)}\nconst io = processIo()\n${lines}`,
    )
    return spawn(process.execPath, ['--conditions=@veristack/source', '--import', 'tsx', file], { cwd: folder })
  }
  const text = (stream: ChildProcess['stdout']): (() => string) => {
    let all = ''
    stream?.on('data', (chunk) => {
      all += String(chunk)
    })
    return () => all
  }
  const ended = (child: ChildProcess): Promise<number | null> => new Promise((done) => child.on('close', done))
  const said = (child: ChildProcess, pattern: RegExp): Promise<void> =>
    new Promise((done) => {
      let all = ''
      child.stderr?.on('data', (chunk) => {
        all += String(chunk)
        if (pattern.test(all)) done()
      })
    })

  /** Prints until its reader is gone, then to its end. */
  const PRINTS = `
    const turn = () => new Promise((done) => setImmediate(done))
    let broken = false
    process.stdout.on('error', () => { broken = true })
    for (let i = 0; !broken; i++) { io.out('line ' + i + '\\n'); await turn() }
    io.out('nobody reads this\\n')
    await turn()
    io.err('done\\n')`

  test.each([
    ['as SIGPIPE would have it', '', 141],
    ['with its own status, where that is a refusal', 'process.exitCode = 1', 1],
  ])('work goes on when nobody reads any more, and ends quietly %s', async (name, more, status) => {
    const child = await start(name.slice(0, 4), `${PRINTS}\n${more}`)
    const err = text(child.stderr)
    child.stdout?.once('data', () => child.stdout?.destroy())
    expect(await ended(child)).toBe(status)
    expect(err()).toBe('done\n')
  })

  const WORKS = `
    const keep = setInterval(() => {}, 1000)
    io.signal.addEventListener('abort', () => { io.err('heard\\n'); END })
    io.err('ready\\n')`

  test('an interruption is told at once, and the status says it', async () => {
    const child = await start('interrupted', WORKS.replace('END', 'clearInterval(keep); process.exitCode = 1'))
    const err = text(child.stderr)
    await said(child, /ready/)
    child.kill('SIGINT')
    expect(await ended(child)).toBe(130)
    expect(err()).toMatch(/^ready\n(heard\n)?stopping; ctrl-c again.*\n(heard\n)?$/)
  })

  test('an end after an interruption does not wait for what was given up', async () => {
    const child = await start('given-up', WORKS.replace('END', 'endProcess(1, io)'))
    await said(child, /ready/)
    child.kill('SIGINT')
    expect(await ended(child)).toBe(130)
  })

  test('the second interruption ends it at once', async () => {
    const child = await start('twice', WORKS.replace('END', ''))
    await said(child, /ready/)
    const stopping = said(child, /stopping/)
    child.kill('SIGINT')
    await stopping
    child.kill('SIGINT')
    expect(await ended(child)).toBe(130)
  })
})
