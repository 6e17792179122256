import fc from 'fast-check'
import { expectPlain } from './commands.fixture.ts'
import { hexRow, json, row, table, visible } from './print.ts'

test('what could move a cursor, turn text or hide in it is spelled out', () => {
  expect(visible('a\u001b[31mb\nc\u0085\u200b\u202ed\ud800')).toBe('a\\x1b[31mb\\x0ac\\x85\\u{200b}\\u{202e}d\\u{d800}')
  expect(visible('Zürich {x} — 100 %')).toBe('Zürich {x} — 100 %')
})

test('bytes are shortened, or whole where that is asked', () => {
  const section = (hex: string) => [{ title: 't', rows: [hexRow('name', hex)] }]
  const value = (hex: string, full = false) =>
    table(section(hex), full).split('\n').slice(2, -1).join('').replace(/ {2,}/g, ' ')
  expect(value('ab'.repeat(32))).toBe(` name ${'ab'.repeat(32)}`)
  expect(value(`${'ab'.repeat(40)}${'cd'.repeat(8)}`)).toBe(` name ${'ab'.repeat(20)}…${'cd'.repeat(8)} (48 bytes)`)
  expect(value('00'.repeat(48))).toBe(' name zero (48 bytes)')
  expect(value('')).toBe(' name empty')
  expect(value('00'.repeat(48), true).replaceAll(' ', '')).toBe(`name${'00'.repeat(48)}`)
})

test('nothing is wider than 100 columns, whatever stands in it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.boolean(),
      fc.integer({ min: 2, max: 46 }),
      (name, text, bytes, full, nameWidth) => {
        const rows = [row(name, text), row(text, [name, true, 1]), hexRow(text, Buffer.from(bytes).toString('hex'))]
        expectPlain(table([{ title: name, rows, nameWidth }], full))
      },
    ),
    { numRuns: 300 },
  )
})

test('JSON says the same, in characters that every terminal shows', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      const written = json({ text, n: 2n ** 70n, b: Uint8Array.of(1, 255) })
      expect(written).toMatch(/^[\n\x20-\x7e]*$/)
      expect(JSON.parse(written)).toEqual({ text, n: '1180591620717411303424', b: '01ff' })
    }),
    { numRuns: 200 },
  )
})
