import fc from 'fast-check'
import { decodeBase64, parsePem } from './pem.ts'

const refusal = expect.objectContaining({ code: 'VS_TEE_MALFORMED' })
const block = (bytes: Uint8Array, line = 64, end = '\n') => {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(new RegExp(`.{1,${line}}`, 'g')) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join(end)
}
const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
const read = (text: string, nul = false) => parsePem(text, 'test', { maxCertificates: 3, nul })

test('certificates, with white space around them', () => {
  expect(read(block(bytes))).toEqual([bytes])
  expect(read(`\n${block(bytes)}\r\n \t${block(bytes, 76, '\r\n')}\n\n`)).toEqual([bytes, bytes])
  expect(read(`${block(bytes)}\n\0`, true)).toEqual([bytes])
  expect(read('')).toEqual([])
})

test.each([
  ['text before', `x${block(bytes)}`],
  ['text between', `${block(bytes)}x${block(bytes)}`],
  ['text after', `${block(bytes)}x`],
  ['a zero byte', `${block(bytes)}\0`],
  ['another label', block(bytes).replaceAll('CERTIFICATE', 'X509 CRL')],
  ['no end', block(bytes).slice(0, -5)],
  ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----'],
  ['a header', block(bytes).replace('-----\n', '-----\nProc-Type: 4\n')],
  ['a space in a line', block(bytes).replace('AAEC', 'AA EC')],
  ['spare bits', block(Uint8Array.of(1)).replace('AQ==', 'AR==')],
  ['padding in the middle', block(Uint8Array.of(1)).replace('AQ==', 'AQ==AQ==')],
  ['four', Array(4).fill(block(bytes)).join('\n')],
])('%s is refused', (_, text) => expect(() => read(text)).toThrow(refusal))

test('two zero bytes are refused where one may end it', () => {
  expect(() => read(`${block(bytes)}\0\0`, true)).toThrow(refusal)
})

test('one text for one value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (some) => {
      expect(decodeBase64(Buffer.from(some).toString('base64'), 'test')).toEqual(some)
    }),
  )
  const text = fc.string({ unit: fc.constantFrom(...'AQgw+/-_=\n'), maxLength: 12 })
  fc.assert(
    fc.property(text, (some) => {
      let value: Uint8Array
      try {
        value = decodeBase64(some, 'test')
      } catch (error) {
        expect(error).toMatchObject({ code: 'VS_TEE_MALFORMED' })
        return
      }
      expect(Buffer.from(value).toString('base64')).toBe(some)
    }),
    { numRuns: 1000 },
  )
})
