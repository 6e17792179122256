import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from './cli.ts'
import { discover, pluginCommands, pluginVerifiers } from './discover.ts'

describe('discover', () => {
  let root = ''
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'veristack-discover-'))
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({ dependencies: { acme: '1', plain: '1', absent: '1' } }),
    )
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const install = async (
    name: string,
    manifest: object,
    files: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const folder = join(root, 'node_modules', name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }))
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  }

  test('finds the commands and verifiers of packages that the folder names, and of no others', async () => {
    await install(
      'acme',
      { veristack: { commands: 'acme/commands.cjs', verifiers: 'acme/verify.cjs' } },
      {
        'commands.cjs': "exports.commands = [{ name: 'acme hello', summary: '', usage: '', run: async () => 0 }]",
        'verify.cjs': "exports.verifiers = [{ kind: 'acme/x', tier: 'acme/x', verify: async () => ({}) }]",
      },
    )
    await install('plain', {})
    await install(
      'stranger',
      { veristack: { commands: 'stranger/commands.cjs' } },
      { 'commands.cjs': 'throw new Error("loaded")' },
    )
    const offers = await discover([root, join(root, 'nowhere')])
    expect(offers.map((o) => o.package)).toEqual(['acme'])
    expect(await pluginCommands(offers)).toMatchObject({ commands: [{ name: 'acme hello' }], failures: [] })
    expect((await pluginVerifiers(offers)).map((v) => v.kind)).toEqual(['acme/x'])
  })

  test('refuses a package that would judge in the name of another one', async () => {
    const judge = (kind: string, tier: string) =>
      `exports.verifiers = [{ kind: '${kind}', tier: '${tier}', verify: async () => ({}) }]`
    for (const [kind, tier] of [
      ['zkml/groth16-bn254', 'acme/x'],
      ['acme/x', 'zkml'],
    ] as const) {
      await install(
        'acme',
        { veristack: { verifiers: 'acme/v.cjs' } },
        { 'v.cjs': judge('zkml/groth16-bn254', 'zkml') },
      )
      await install('plain', { veristack: { verifiers: 'plain/v.cjs' } }, { 'v.cjs': judge(kind, tier) })
      const loading = (async () => pluginVerifiers(await discover([root])))()
      await expect(loading).rejects.toThrow(/only acme judges it/)
    }
  })

  test.each([
    ['a module of another package', { commands: 'other/commands' }],
    ['no text', { commands: 7 }],
  ])('refuses %s with the name of the package', async (_, veristack) => {
    await install('acme', { veristack }, {})
    const loading = discover([root])
    await expect(loading).rejects.toMatchObject({ code: 'VS_CLI_PLUGIN' })
    await expect(loading).rejects.toThrow(/acme/)
  })

  const hello = "exports.commands = [{ name: 'hello', summary: '', usage: '', run: async () => 0 }]"
  test.each([
    ['a module that is not there', {}],
    ['a module that throws', { 'c.cjs': 'throw new Error("broken")' }],
    ['a module without commands', { 'c.cjs': 'exports.commands = [{ name: "x" }]' }],
    ['a command that another package has', { 'c.cjs': hello }],
  ])('tells of %s, and takes nothing away from other packages', async (_, files) => {
    await install('acme', { veristack: { commands: 'acme/c.cjs' } }, { 'c.cjs': hello })
    await install('plain', { veristack: { commands: 'plain/c.cjs' } }, files)
    const { commands, failures } = await pluginCommands(await discover([root]))
    expect(commands.map((c) => c.name)).toEqual(['hello'])
    expect(failures).toEqual([expect.objectContaining({ code: 'VS_CLI_PLUGIN' })])
    expect(String((failures[0] as Error).message)).toMatch(/plain/)
    const said: string[] = []
    const io = {
      out: () => undefined,
      err: (text: string) => void said.push(text),
      signal: new AbortController().signal,
      cwd: root,
      isTerminal: false,
    }
    const roots = { own: root, folder: root }
    expect(await main(['hello'], io, roots)).toBe(0)
    expect(said).toEqual([])
    expect(await main(['plain', 'secret'], io, roots)).toBe(1)
    expect(said).toEqual([expect.stringMatching(/^veristack: .*plain/)])
  })
})
