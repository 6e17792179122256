import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import vm from 'node:vm'
import { build } from 'esbuild'
import { publicPackages, root } from '../../scripts/packages.ts'
import { entriesOf, installPacked, type Outcome, type Project } from './project.ts'

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

/** A process that fails says why in the assertion's message. */
const expectSuccess = ({ code, stdout, stderr }: Outcome): void => {
  expect(code === 0 ? '' : `exit ${code}\n${stderr}${stdout}`).toBe('')
}

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
    const outcome = await project.node(
      '--require',
      './record-loads.cjs',
      '--import',
      SHOW,
      ...loading[how](specifier),
      record,
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
  // What pages and workers have and a bare VM context lacks. Typed arrays are this realm's, as TextEncoder returns them.
  const BROWSER = {
    AbortController,
    AbortSignal,
    ArrayBuffer,
    atob,
    BigInt64Array,
    BigUint64Array,
    btoa,
    clearTimeout,
    console,
    crypto,
    DataView,
    Event,
    EventTarget,
    Int32Array,
    performance,
    queueMicrotask,
    setTimeout,
    structuredClone,
    TextDecoder,
    TextEncoder,
    Uint8Array,
    Uint32Array,
    URL,
  }
  let page: vm.Context

  beforeAll(async () => {
    const { metafile, outputFiles } = await build({
      stdin: {
        contents: pure.map((specifier, i) => `export * as m${i} from '${specifier}'`).join('\n'),
        resolveDir: project.folder,
      },
      absWorkingDir: project.folder,
      bundle: true,
      format: 'iife',
      globalName: 'veristack',
      logLevel: 'silent',
      metafile: true,
      platform: 'browser',
      target: 'es2022',
      write: false,
    })
    const inputs = Object.keys(metafile.inputs)
    expect(inputs.filter((path) => /(^|\/)node:|\(disabled\)/.test(path))).toEqual([])
    expect(
      [...HEAVY, ...CONTAINER].filter((name) => inputs.some((path) => path.includes(`node_modules/${name}/`))),
    ).toEqual([])
    page = vm.createContext({ ...BROWSER })
    vm.runInContext(`${outputFiles[0]?.text}\nglobalThis.veristack = veristack`, page)
  })

  test('runs without any global of Node', () => {
    expect(
      vm.runInContext('[typeof process, typeof Buffer, typeof require, typeof module, typeof global]', page),
    ).toEqual(Array(5).fill('undefined'))
  })

  test.each(pure.map((specifier, i) => [specifier, i] as const))('exports what %s exports', async (specifier, i) => {
    const names = vm.runInContext(`JSON.stringify(Object.keys(veristack.m${i}).sort())`, page)
    const { stdout } = await project.node('--import', SHOW, ...loading.import(specifier))
    expect(JSON.parse(names)).toEqual(JSON.parse(stdout))
  })

  test('judges receipts: a sound one, a changed output, evidence of an unknown kind', async () => {
    vm.runInContext(await readFile(join(root, 'tests/packed/receipt-in-page.js'), 'utf8'), page)
    const verdicts = await vm.runInContext(`judgeReceipts(veristack.m${pure.indexOf('@veristack/core/receipt')})`, page)
    expect(JSON.parse(verdicts)).toEqual({
      sound: 'accepted',
      changedOutput: 'rejected VS_CORE_COMMITMENT_MISMATCH',
      otherClaimant: 'rejected VS_CORE_COMMITMENT_MISMATCH',
      unknownKind: 'undetermined plugin',
    })
  })
})
