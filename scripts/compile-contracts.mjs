#!/usr/bin/env node
// Compiles the contracts and writes their bindings: `node scripts/compile-contracts.mjs`. With --check it writes
// nothing and exits 1 where a committed binding differs from what the sources give.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const solc = require('solc')
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * `runtime`: the contract whose code is deployed, where a constructor returns other code than its own. `abiOnly`: no
 * binding, only `abi/NAME.json`. `artifact`: only that, with the bytecode.
 */
const CONTRACTS = [
  { package: 'chain-evm', file: 'IClaimVerifier.sol', name: 'IClaimVerifier' },
  { package: 'settlement-evm', file: 'Settlement.sol', name: 'Settlement' },
  { package: 'settlement-evm', file: 'ProgramRegistry.sol', name: 'ProgramRegistry' },
  { package: 'settlement-evm', file: 'Bonds.sol', name: 'Bonds' },
  { package: 'settlement-evm', file: 'IInferenceCallback.sol', name: 'IInferenceCallback', abiOnly: true },
  { package: 'settlement-evm', file: 'InferenceConsumer.sol', name: 'InferenceConsumer', abiOnly: true },
  { package: 'settlement-evm', file: 'mocks/MockSettlement.sol', name: 'MockSettlement', artifact: true },
  {
    package: 'verify-zkml',
    file: 'Groth16ClaimVerifier.sol',
    name: 'Groth16ClaimVerifier',
    runtime: 'Groth16ClaimVerifierCode',
  },
]

/** Packages whose ABIs are files of their own, for other people's toolchains. */
const PUBLISHED_ABIS = ['chain-evm', 'settlement-evm']

const SETTINGS = {
  optimizer: { enabled: true, runs: 100000 },
  viaIR: true,
  evmVersion: 'osaka',
  metadata: { bytecodeHash: 'none' },
}

const sourceName = (c) => `@veristack/${c.package}/contracts/${c.file}`

function readImport(name) {
  const own = /^@veristack\/([a-z0-9-]+)\/(contracts\/.+)$/.exec(name)
  try {
    if (own) return { contents: readFileSync(join(ROOT, 'packages', own[1], own[2]), 'utf8') }
    return { contents: readFileSync(require.resolve(name), 'utf8') }
  } catch (error) {
    return { error: String(error) }
  }
}

function compile() {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(CONTRACTS.map((c) => [sourceName(c), { content: readImport(sourceName(c)).contents }])),
    settings: {
      ...SETTINGS,
      outputSelection: {
        '*': {
          // Names of immutables: the compiler refers to them by their place in the syntax tree.
          '': ['ast'],
          '*': [
            'abi',
            'evm.bytecode.object',
            'evm.deployedBytecode.object',
            'evm.deployedBytecode.immutableReferences',
          ],
        },
      },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }))
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'))
  const names = immutableNames(Object.values(output.sources).map((s) => s.ast))
  const compiler = {
    path: join(ROOT, 'packages/settlement-evm/src/bindings/compiler.ts'),
    text: compilerBinding(),
  }
  const bindings = CONTRACTS.flatMap((c) => {
    const file = output.contracts[sourceName(c)]
    const main = file[c.name]
    const runtime = file[c.runtime ?? c.name]
    const abi = c.runtime === undefined ? main.abi : [...main.abi, ...runtime.abi]
    const size = runtime.evm.deployedBytecode.object.length / 2
    if (size > 24_576) throw new Error(`${c.name} has ${size} bytes; EIP-170 allows 24,576`)
    const folder = join(ROOT, 'packages', c.package)
    const artifact = c.artifact === true ? { bytecode: `0x${main.evm.bytecode.object}` } : {}
    const json = {
      path: join(folder, 'abi', `${c.name}.json`),
      text: `${JSON.stringify({ contractName: c.name, abi, ...artifact }, null, 2)}\n`,
    }
    if (c.abiOnly === true || c.artifact === true) return [json]
    const published = PUBLISHED_ABIS.includes(c.package) ? [json] : []
    return [
      ...published,
      { path: join(folder, 'src/bindings', `${c.name}.ts`), text: binding(c, abi, main, runtime, names) },
    ]
  })
  return [compiler, ...bindings]
}

/** Names of immutable variables by the ids of their declarations. */
function immutableNames(nodes, names = new Map()) {
  for (const node of nodes) {
    if (typeof node !== 'object' || node === null) continue
    if (node.nodeType === 'VariableDeclaration' && node.mutability === 'immutable')
      names.set(String(node.id), node.name)
    immutableNames(Object.values(node), names)
  }
  return names
}

/** What a deployment file says of how its contracts were made. */
function compilerBinding() {
  const { optimizer, viaIR, evmVersion } = SETTINGS
  const compiler = { solc: solc.version(), evmVersion, optimizerRuns: optimizer.runs, viaIR }
  const lines = Object.entries(compiler).map(([k, v]) => `  ${k}: ${typeof v === 'string' ? `'${v}'` : v},`)
  return [
    '// Generated by scripts/compile-contracts.mjs. Do not edit.',
    '',
    '/** How the contracts of this release were compiled. */',
    'export const compiler = {',
    ...lines,
    '} as const',
    '',
  ].join('\n')
}

function binding(c, abi, main, runtime, names) {
  const id = c.name.replace(/^I(?=[A-Z])/, '').replace(/^[A-Z]/, (s) => s.toLowerCase())
  const lines = [
    `// Generated by scripts/compile-contracts.mjs from contracts/${c.file} with solc ${solc.semver()}. Do not edit.`,
    '',
    `export const ${id}Abi = ${JSON.stringify(abi, null, 2)} as const`,
  ]
  if (main.evm.bytecode.object !== '') {
    const immutables = Object.entries(runtime.evm.deployedBytecode.immutableReferences ?? {})
      .flatMap(([id, places]) => places.map(({ start, length }) => ({ name: names.get(id), start, length })))
      .sort((a, b) => a.start - b.start)
    lines.push(
      '',
      `export const ${id}Bytecode =\n  '0x${main.evm.bytecode.object}'`,
      '',
      `export const ${id}DeployedBytecode =\n  '0x${runtime.evm.deployedBytecode.object}'`,
      '',
      '/** Where immutable values stand in the deployed code: byte offset and length. */',
      `export const ${id}ImmutableReferences: readonly { readonly name: string; readonly start: number; readonly length: number }[] = ${JSON.stringify(immutables)}`,
    )
  }
  return `${lines.join('\n')}\n`
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const stale = compile().filter((b) => read(b.path) !== b.text)
if (process.argv.includes('--check')) {
  for (const b of stale)
    console.error(`not current: ${b.path.slice(ROOT.length + 1)} (run: node scripts/compile-contracts.mjs)`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const b of stale) {
    mkdirSync(dirname(b.path), { recursive: true })
    writeFileSync(b.path, b.text)
    console.log(`wrote ${b.path.slice(ROOT.length + 1)}`)
  }
}
