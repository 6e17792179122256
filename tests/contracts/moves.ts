import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { forgeTest } from './forge.ts'

/** What a long run of random moves against the settlement contract came to. */
export interface Moves {
  readonly calls: number
  /** Moves that the player itself reverted: they tested nothing. */
  readonly reverts: number
}

const root = process.cwd()
const RECORD = join(root, 'tests/contracts/moves.json')
const TEST = join(root, 'tests/contracts/SettlementInvariants.t.sol')
const REMAPPED: readonly (readonly [string, string])[] = [
  ['@veristack/', 'packages/'],
  ['@openzeppelin/', 'node_modules/@openzeppelin/'],
]

/** A million random moves, and a tenth more, written down with the sources that they were made against. */
export async function playMillionMoves(): Promise<Moves> {
  const sources = digestOfSources()
  const { calls, reverts } = await forgeTest(['--match-contract', 'SettlementInvariants'], {
    FOUNDRY_INVARIANT_RUNS: '2200',
    FOUNDRY_INVARIANT_DEPTH: '500',
  })
  writeFileSync(RECORD, `${JSON.stringify({ calls, reverts, sources }, null, 2)}\n`)
  return { calls, reverts }
}

/** What was written down last; undefined where the contract or its test has changed since. */
export function recordedMoves(): Moves | undefined {
  const { calls, reverts, sources } = JSON.parse(readFileSync(RECORD, 'utf8')) as Moves & { readonly sources: string }
  return sources === digestOfSources() ? { calls, reverts } : undefined
}

/** SHA-256 of all that the test is compiled from. */
function digestOfSources(): string {
  const texts = new Map<string, string>()
  const read = (path: string): void => {
    if (texts.has(path)) return
    const text = readFileSync(path, 'utf8')
    texts.set(path, text)
    for (const [, name = ''] of text.matchAll(/^import[^;]*"([^"]+)";/gm)) read(resolved(name, dirname(path)))
  }
  read(TEST)
  const all = [...texts]
    .map(([path, text]) => [relative(root, path), text] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

function resolved(name: string, folder: string): string {
  const [prefix, place] = REMAPPED.find(([p]) => name.startsWith(p)) ?? []
  return prefix === undefined || place === undefined
    ? resolve(folder, name)
    : join(root, place, name.slice(prefix.length))
}
