/**
 * Runs a suite of bench/ and prints its rows; the last line of standard output is one JSON object.
 *
 * Usage: npm run bench -- SUITE [--json]
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Row, Suite } from './measure.ts'

const folder = join(import.meta.dirname, '../bench')
const suites = (await readdir(folder))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -3))

const refuse = (line: string): never => {
  process.stderr.write(`${line}\nsuites: ${suites.join(', ')}\n`)
  process.exit(1)
}

const options = (() => {
  try {
    return parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } })
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
})()
const name = options.positionals[0] ?? refuse('which suite? npm run bench -- SUITE [--json]')
if (options.positionals.length > 1) refuse('one suite at a time')
if (!suites.includes(name)) refuse(`no suite ${JSON.stringify(name)}`)

const progress = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
const shown = ({ name, value, unit, bound, ok }: Row): string => {
  const figure =
    value === null
      ? 'not measured'
      : `${typeof value === 'number' ? Number(value.toPrecision(6)) : value} ${unit}`.trim()
  return `${ok === false ? 'MISSED' : ok ? 'ok    ' : '      '} ${name}: ${figure}${bound === null ? '' : ` (asked for: ${bound} ${unit})`}`
}

const suite = (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as Suite
const rows: Row[] = []
for await (const { name, value, unit, bound, ok } of suite.rows(progress)) {
  const row = { name, value, unit, bound, ok }
  rows.push(row)
  const line = `${shown(row)}\n`
  if (options.values.json) process.stderr.write(line)
  else process.stdout.write(line)
}
// A library may leave workers behind; the figures are complete, so nothing is waited for. A missed bound is no failure.
process.stdout.write(`${JSON.stringify({ suite: name, rows })}\n`, () => process.exit(0))
