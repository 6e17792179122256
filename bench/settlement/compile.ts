import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Hex } from '@veristack/core'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../..', import.meta.url))

interface Solc {
  compile(input: string, callbacks: { import(name: string): { contents: string } | { error: string } }): string
}
interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts?: Readonly<
    Record<string, Readonly<Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>>>
  >
}

/** The creation code of a contract of bench/contracts. */
export function compileBenchContract(name: string): Hex {
  const file = `${name}.sol`
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: readFileSync(join(root, 'bench/contracts', file), 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 100_000 },
      viaIR: true,
      evmVersion: 'osaka',
      metadata: { bytecodeHash: 'none' },
      outputSelection: { [file]: { [name]: ['evm.bytecode.object'] } },
    },
  }
  const solc = require('solc') as Solc
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport })) as Output
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'))
  const code = output.contracts?.[file]?.[name]?.evm.bytecode.object
  if (code === undefined) throw new Error(`${file} has no contract ${name}`)
  return `0x${code}`
}

function readImport(name: string): { contents: string } | { error: string } {
  const own = /^@veristack\/([a-z0-9-]+)\/(contracts\/.+)$/.exec(name)
  try {
    const path = own ? join(root, 'packages', own[1] ?? '', own[2] ?? '') : require.resolve(name)
    return { contents: readFileSync(path, 'utf8') }
  } catch (error) {
    return { error: String(error) }
  }
}
