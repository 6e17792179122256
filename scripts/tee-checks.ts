/**
 * Writes what packages/verify-tee checks into its README: every check of every vendor's table (`src/<vendor>/checks.ts`), with
 * the tests that break it. Those are, in the vendor's test files, the rows `[what, check, …]` of the arrays named `…cheats`,
 * each of which is a test, and the tests in a `describe(check, …)` or a `<check>.test.ts`. Fails when a check has none.
 *
 * Usage: npm run checks -w packages/verify-tee
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { root } from './packages.ts'

const HOME = join(root, 'packages/verify-tee')
const README = join(HOME, 'README.md')
const [BEGIN, END] = ['<!-- checks -->', '<!-- /checks -->']
const TITLES: Readonly<Record<string, string>> = {
  intel: 'Intel SGX and TDX',
  nitro: 'AWS Nitro Enclaves',
  'sev-snp': 'AMD SEV-SNP',
  nvidia: 'NVIDIA GPU',
}

interface Check {
  readonly stage: string
  readonly title: string
  readonly code: string
}
interface Cheat {
  readonly what: string
  readonly check: string
  /** From the package. */
  readonly file: string
}

const isCheck = (value: unknown): value is Check =>
  typeof value === 'object' &&
  value !== null &&
  ['stage', 'title', 'code'].every((key) => typeof Reflect.get(value, key) === 'string')

/** The exports of a checks.ts whose names end in `_CHECKS`. */
async function tablesOf(file: string): Promise<readonly (readonly [id: string, check: Check])[]> {
  const found: Record<string, unknown> = await import(pathToFileURL(file).href)
  const tables = Object.entries(found).filter(([name]) => name.endsWith('_CHECKS'))
  const checks = tables.flatMap(([, table]) => Object.entries(table as Readonly<Record<string, unknown>>))
  if (checks.length === 0) throw new Error(`${file} exports no table of checks`)
  return checks.map(([id, check]) => {
    if (!isCheck(check)) throw new Error(`${file}: ${id} is no check`)
    return [id, check]
  })
}

function cheatsOf(folder: string): readonly Cheat[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
  return files.flatMap((name) => {
    const path = join(folder, name)
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
    const rows: Cheat[] = []
    const add = (what: ts.Node | undefined, check: string): void => {
      if (what && ts.isStringLiteralLike(what)) rows.push({ what: what.text, check, file: relative(HOME, path) })
    }
    const visit = (node: ts.Node, cheats: boolean, described: string): void => {
      let [inCheats, group] = [cheats, described]
      if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) inCheats ||= /cheats$/i.test(node.name.text)
      if (cheats && ts.isArrayLiteralExpression(node) && node.elements.length > 2) {
        const [what, check] = node.elements
        if (check && ts.isStringLiteralLike(check)) add(what, check.text)
      }
      if (ts.isCallExpression(node)) {
        const [title] = node.arguments
        const called = node.expression.getText(source).split(/[.(]/)[0]
        if (called === 'describe' && title && ts.isStringLiteralLike(title)) group = title.text
        if (called === 'test') add(title, group)
      }
      ts.forEachChild(node, (child) => visit(child, inCheats, group))
    }
    visit(source, false, basename(name, '.test.ts'))
    return rows
  })
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

async function section(vendor: string): Promise<string> {
  const folder = join(HOME, 'src', vendor)
  const checks = await tablesOf(join(folder, 'checks.ts'))
  const ids = new Set(checks.map(([id]) => id))
  const cheats = cheatsOf(folder).filter(({ check }) => ids.has(check))
  const untested: string[] = []
  const rows = checks.map(([id, { stage, title, code }]) => {
    const mine = cheats.filter(({ check }) => check === id)
    const [first] = mine
    if (first === undefined) {
      untested.push(id)
      return ''
    }
    const more = mine.length > 1 ? ', …' : ''
    return `| \`${id}\` | ${stage} | ${cell(title)} | \`${code}\` | ${cell(first.what)}${more} |\n`
  })
  if (untested.length > 0)
    throw new Error(
      `${vendor}: no row of an array named …cheats, no describe and no file of tests is for ${untested.join(', ')}`,
    )
  const homes = [...new Set(cheats.map(({ file }) => file))].map((file) => `[${file}](${file})`)
  const total = `${rows.length} checks, broken in ${homes.join(', ')}.`
  return `### ${TITLES[vendor] ?? vendor}\n\n${total}\n\n| check | stage | what holds | refused with | tested by |\n|---|---|---|---|---|\n${rows.join('')}`
}

const vendors = readdirSync(join(HOME, 'src'))
  .filter((name) => existsSync(join(HOME, 'src', name, 'checks.ts')))
  .sort()
const text = [
  `${BEGIN}\n## What is checked\n\nEvery check stands in every verdict, as passed, failed or skipped with a reason. Each is broken by tests, one way to cheat\nafter another. These tables are generated from both: \`npm run checks -w packages/verify-tee\`.\n`,
  ...(await Promise.all(vendors.map(section))),
  END,
].join('\n')

const readme = readFileSync(README, 'utf8')
const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)]
const [before, after] =
  from < 0 ? [`${readme.trimEnd()}\n\n`, '\n'] : [readme.slice(0, from), readme.slice(to + END.length)]
writeFileSync(README, `${before}${text}${after}`)
console.log(`packages/verify-tee/README.md: the checks of ${vendors.join(', ')}`)
