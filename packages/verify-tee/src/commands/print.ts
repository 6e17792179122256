/** What the tables fit into. */
const WIDTH = 100
const INDENT = 2
const NAME_WIDTH = 20
/** Bytes of a longer value that are shown without `--full`: from its beginning, and from its end. */
const [HEAD_BYTES, TAIL_BYTES] = [20, 8]
const WHOLE_BYTES = 32
const MAX_TEXT = 2000

/** What stands in a table: text, or bytes in hexadecimal that may be shortened. */
export type Value = string | number | boolean | { readonly hex: string }

export interface Row {
  readonly name: string
  /** Several: one below the other. */
  readonly value: Value | readonly Value[]
}

export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
  /** Columns for the names, where they are long. */
  readonly nameWidth?: number
}

export const row = (name: string, value: Row['value']): Row => ({ name, value })
export const hexRow = (name: string, hex: string): Row => ({ name, value: { hex } })

/** Evidence is hostile: what could move a cursor, turn text around or hide in it is spelled out. One column a character. */
export function visible(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text
  return cut.replace(/[^\x20-\x7e\u00a1-\u00ac\u00ae-\u024f…·–—‘’“”×≤≥]/gu, (c) => {
    const code = c.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

function linesOf(value: Value, full: boolean, width: number): readonly string[] {
  if (typeof value !== 'object') return wrapped(visible(String(value)), width)
  const { hex } = value
  const bytes = hex.length / 2
  if (hex === '') return ['empty']
  if (full) return wrapped(hex, width - (width % 2))
  if (bytes > 4 && /^0+$/.test(hex)) return [`zero (${bytes} bytes)`]
  if (bytes <= WHOLE_BYTES && hex.length <= width) return [hex]
  const beside = `…${hex.slice(-2 * TAIL_BYTES)} (${bytes} bytes)`
  const head = Math.min(HEAD_BYTES, Math.floor((width - beside.length) / 2))
  return [`${hex.slice(0, 2 * Math.max(head, 4))}${beside}`]
}

/** At spaces where there are any. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let left = text
  while (left.length > width) {
    const space = left.lastIndexOf(' ', width)
    const at = space > width / 3 ? space : width
    lines.push(left.slice(0, at))
    left = left.slice(at).trimStart()
  }
  return [...lines, left]
}

/** A name, and a value that may take several lines. */
function rowText({ name, value }: Row, full: boolean, nameWidth: number): string {
  const shown = visible(name)
  const rest = ' '.repeat(INDENT + nameWidth)
  const values = Array.isArray(value) ? (value as readonly Value[]) : [value as Value]
  const lines = values.flatMap((v) => linesOf(v, full, WIDTH - rest.length))
  const [first = '', ...more] = shown.length < nameWidth ? lines : ['', ...lines]
  const head = wrapped(shown, WIDTH - INDENT)
  const last = `${(head.at(-1) ?? '').padEnd(nameWidth)}${first}`
  return [...head.slice(0, -1), last]
    .map((line) => ' '.repeat(INDENT) + line)
    .concat(more.map((line) => rest + line))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

export function table(sections: readonly Section[], full: boolean): string {
  return sections
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows, nameWidth = NAME_WIDTH }) => {
      const head = wrapped(visible(title), WIDTH).join('\n')
      return `\n${head}\n${rows.map((r) => rowText(r, full, nameWidth)).join('')}`
    })
    .join('')
}

/** Integers of any size as decimal strings, bytes in hexadecimal; nothing in it moves a terminal. */
export function json(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_, v: unknown) =>
      typeof v === 'bigint' ? v.toString() : v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v,
    2,
  )
  const spelled = text.replace(/[^\n\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${spelled}\n`
}
