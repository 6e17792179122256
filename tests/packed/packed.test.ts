import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publicPackages, root } from '../../scripts/packages.ts'
import { openPage, type Page } from './page.ts'
import { entriesOf, expectSuccess, installPacked, type Project } from './project.ts'

const packages = publicPackages()
const specifiers = packages.flatMap(entriesOf)
/** Entries that run in a browser: receipts, and each tier's verifier. */
const pure = specifiers.filter((specifier) => specifier === '@veristack/core/receipt' || specifier.endsWith('/verify'))

const HEAVY = ['onnxruntime-common', 'onnxruntime-node', 'snarkjs', 'ethers']
const CONTAINER = ['tsyringe', 'reflect-metadata']

let project: Project

beforeAll(async () => {
  project = await installPacked(packages)
  for (const file of ['record-loads.cjs', 'record-loads-hooks.mjs']) {
    await copyFile(join(root, 'tests/packed', file), join(project.folder, file))
  }
}, 240_000)
afterAll(() => project?.remove())

const loading = {
  import: (specifier: string) => ['--input-type=module', '-e', `show(await import('${specifier}'))`],
  require: (specifier: string) => ['--input-type=commonjs', '-e', `show(require('${specifier}'))`],
}
const SHOW = `data:text/javascript,globalThis.show = (m) => console.log(JSON.stringify(Object.keys(m).filter((k) => k !== 'default' %26%26 k !== 'module.exports').sort()))`

describe('a fresh process', () => {
  test.each(specifiers)('imports and requires %s and finds the same names', async (specifier) => {
    const imported = await project.node('--import', SHOW, ...loading.import(specifier))
    const required = await project.node('--import', SHOW, ...loading.require(specifier))
    expectSuccess(imported)
    expectSuccess(required)
    expect(JSON.parse(required.stdout)).toEqual(JSON.parse(imported.stdout))
  })

  const commands = packages.flatMap(({ manifest: { bin, name } }) =>
    typeof bin === 'string' ? [{ name, file: bin }] : Object.values(bin ?? {}).map((file) => ({ name, file })),
  )
  for (const { name, file } of commands) {
    test(`runs ${name}'s ${file}`, async () => {
      expectSuccess(await project.node(join('node_modules', name, file), '--help'))
    })
  }
})

test.each(['import', 'require'] as const)('the local chain starts and stops, by %s', async (how) => {
  const get =
    how === 'import' ? "import('@veristack/chain-evm/local')" : "(async () => require('@veristack/chain-evm/local'))()"
  const script = `${get}.then(({ startAnvil }) => startAnvil()).then(async ({ rpcUrl, stop }) => { await stop(); console.log(rpcUrl) })`
  const kind = how === 'import' ? 'module' : 'commonjs'
  const outcome = await project.node(`--input-type=${kind}`, '-e', script)
  expectSuccess(outcome)
  expect(outcome.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/)
})

test('the command line has the commands of the packages that it depends on', async () => {
  const bin = join('node_modules', 'veristack', 'bin', 'veristack.js')
  expect((await project.node(bin, '--help')).stdout).toMatch(/^ {2}deploy /m)
  const help = await project.node(bin, 'deploy', '--help')
  expectSuccess(help)
  expect(help.stdout).toMatch(/^veristack deploy --network/)
})

describe('importing', () => {
  interface Load {
    readonly url: string
    readonly from: string | null
  }
  const packageOf = (url: string): string | undefined => {
    const path = url.split('/node_modules/')[1]
    return path === undefined ? undefined : /^(@[^/]+\/)?[^/]+/.exec(path)?.[0]
  }
  /** What a fresh process resolved on the way, by `import` and by `require`. */
  const loadsOf = async (how: keyof typeof loading, specifier: string): Promise<readonly Load[]> => {
    const record = join(project.folder, `loads-${how}-${specifier.replaceAll('/', '_')}.jsonl`)
    const outcome = await project.nodeWith(
      { RECORD_LOADS: record },
      '--require',
      './record-loads.cjs',
      '--import',
      SHOW,
      ...loading[how](specifier),
    )
    expectSuccess(outcome)
    const loads = (await readFile(record, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Load)
    // The recording must have seen the entry itself, or an empty list would prove nothing.
    expect(loads.some(({ url }) => url.startsWith('file:') && specifier.startsWith(packageOf(url) ?? '-'))).toBe(true)
    return loads
  }

  describe.each(['import', 'require'] as const)('by %s', (how) => {
    test('@veristack/core loads no heavy library', async () => {
      const loaded = new Set((await loadsOf(how, '@veristack/core')).map(({ url }) => packageOf(url)))
      expect(HEAVY.filter((name) => loaded.has(name))).toEqual([])
      expect(CONTAINER.filter((name) => !loaded.has(name))).toEqual([])
    })

    test.each(pure)('%s loads no heavy library, no container and nothing of Node', async (specifier) => {
      const loads = await loadsOf(how, specifier)
      const unwanted = loads.filter(({ url, from }) => {
        const name = packageOf(url)
        return name === undefined
          ? url.startsWith('node:') && from?.includes('/node_modules/')
          : [...HEAVY, ...CONTAINER].includes(name)
      })
      expect(unwanted).toEqual([])
    })
  })
})

describe('a consumer in TypeScript, with skipLibCheck off', () => {
  const consumer = [
    ...specifiers.map((specifier, i) => `import * as m${i} from '${specifier}'`),
    `export const modules: readonly object[] = [${specifiers.map((_, i) => `m${i}`)}]`,
    '',
  ].join('\n')

  test.each([
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ])(
    'compiles as an ES module and as CommonJS: module %s, moduleResolution %s',
    async (module, moduleResolution) => {
      await project.write('consumer.mts', consumer)
      await project.write('consumer.cts', consumer)
      const compilerOptions = {
        module,
        moduleResolution,
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
      }
      const tsconfig = await project.write(
        `tsconfig.${module}.json`,
        JSON.stringify({ compilerOptions, files: ['consumer.mts', 'consumer.cts'] }),
      )
      expectSuccess(
        await project.node(join(root, 'node_modules/typescript/bin/tsc'), '-p', tsconfig, '--pretty', 'false'),
      )
    },
    120_000,
  )
})

describe('a bundle for browsers of the entries that verify', () => {
  let page: Page

  beforeAll(async () => {
    page = await openPage(project.folder, pure)
    expect(page.modules.filter((path) => /(^|\/)node:|\(disabled\)/.test(path))).toEqual([])
    expect(
      [...HEAVY, ...CONTAINER].filter((name) => page.modules.some((path) => path.includes(`node_modules/${name}/`))),
    ).toEqual([])
  })

  test('runs without any global of Node', () => {
    expect(page.run('[typeof process, typeof Buffer, typeof require, typeof module, typeof global]')).toEqual(
      Array(5).fill('undefined'),
    )
  })

  test.each(pure.map((specifier, i) => [specifier, i] as const))('exports what %s exports', async (specifier, i) => {
    const names = page.run(`JSON.stringify(Object.keys(veristack.m${i}).sort())`)
    const { stdout } = await project.node('--import', SHOW, ...loading.import(specifier))
    expect(JSON.parse(String(names))).toEqual(JSON.parse(stdout))
  })

  test('judges receipts: a sound one, a changed output, evidence of an unknown kind', async () => {
    page.run(await readFile(join(root, 'tests/packed/receipt-in-page.js'), 'utf8'))
    const verdicts = await page.run(`judgeReceipts(veristack.m${pure.indexOf('@veristack/core/receipt')})`)
    expect(JSON.parse(String(verdicts))).toEqual({
      sound: 'accepted',
      changedOutput: 'rejected VS_CORE_COMMITMENT_MISMATCH',
      otherClaimant: 'rejected VS_CORE_BAD_SIGNATURE',
      unknownKind: 'undetermined plugin',
    })
  })
})
