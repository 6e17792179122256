import { makeQuote } from '../intel/platform.fixture.ts'
import { makeEvidence } from '../nitro/enclave.fixture.ts'
import { bytesOf, makeReport as makeGpuReport, pem, usualChain } from '../nvidia/devices.fixture.ts'
import { honest } from '../sev-snp/mutation.fixture.ts'
import { findEvidence, onePiece } from './evidence.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex')
const base64 = (b: Uint8Array): string => Buffer.from(b).toString('base64')
const inLines = (text: string, width: number): string => (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join('\n')

const samples = {
  intel: makeQuote(),
  nitro: makeEvidence(),
  'sev-snp': honest('Milan', 'vcek').report,
  nvidia: makeGpuReport(),
} as const

describe.each(Object.entries(samples))('%s', (kind, evidence) => {
  const one = (file: Uint8Array) => {
    const pieces = findEvidence(file, 'file')
    expect(pieces).toHaveLength(1)
    const [piece] = pieces
    expect(piece).toMatchObject({ kind })
    expect(hex(piece?.bytes ?? new Uint8Array())).toBe(hex(evidence))
    return piece?.found
  }

  test.each<readonly [string, Uint8Array, string]>([
    ['bytes', evidence, 'as it is'],
    ['hexadecimal', bytes(`${hex(evidence)}\n`), 'hexadecimal'],
    ['hexadecimal with 0x, upper case', bytes(`0x${hex(evidence).toUpperCase()}`), 'hexadecimal'],
    ['a dump in lines', bytes(inLines(hex(evidence), 60)), 'hexadecimal'],
    ['base64 in lines', bytes(inLines(base64(evidence), 76)), 'base64'],
    [
      'base64url',
      bytes(
        Buffer.from([...evidence, 0xff, 0xef])
          .toString('base64url')
          .slice(0, -2),
      ),
      '',
    ],
    [
      'PEM',
      bytes(`-----BEGIN ATTESTATION-----\n${inLines(base64(evidence), 64)}\n-----END ATTESTATION-----\n`),
      'PEM ATTESTATION, base64',
    ],
    ['JSON with a field', bytes(JSON.stringify({ quote: hex(evidence), id: 7 })), 'JSON $.quote, hexadecimal'],
    ['JSON deep inside', bytes(JSON.stringify({ a: [{ b: base64(evidence) }] })), 'JSON $.a[0].b, base64'],
    ['a JSON string', bytes(JSON.stringify(`0x${hex(evidence)}`)), 'JSON $, hexadecimal'],
    ['a list of bytes', bytes(JSON.stringify({ quote: [...evidence] })), 'JSON $.quote, list of bytes'],
    ['base64 of hexadecimal', bytes(base64(bytes(hex(evidence)))), 'base64, hexadecimal'],
    ['a byte order mark before it', bytes(`\ufeff${hex(evidence)}`), 'hexadecimal'],
  ])('as %s', (name, file, found) => {
    if (name === 'base64url') {
      expect(findEvidence(file, 'file')).toMatchObject([{ kind }])
      return
    }
    expect(one(file)).toBe(found)
  })
})

test('several, a line each, are told apart by number', () => {
  const two = bytes(`0x${hex(samples.intel)}\n0x${hex(samples['sev-snp'])}\n`)
  const pieces = findEvidence(two, 'file')
  expect(pieces.map(({ kind, found }) => [kind, found])).toEqual([
    ['intel', 'hexadecimal'],
    ['sev-snp', 'line 2, hexadecimal'],
  ])
  expect(onePiece(pieces, 2).kind).toBe('sev-snp')
  for (const part of [undefined, 3])
    expect(() => onePiece(pieces, part)).toThrow(expect.objectContaining({ code: 'VS_TEE_INVALID_OPTION' }))
})

describe("NVIDIA's forms in JSON go on as they stand", () => {
  const entry = { arch: 'HOPPER', certificate: base64(bytes(pem(usualChain()))), evidence: base64(samples.nvidia) }
  test.each<readonly [string, Parameters<typeof bytesOf>[0]]>([
    ['a list of evidence', [entry]],
    ['a request to NRAS', { nonce: 'a5', arch: 'HOPPER', evidence_list: [entry] }],
    ['a bundle of tokens', [['JWT', 'eyJh.eyJi.c'], { 'GPU-0': 'eyJh.eyJi.c' }]],
    ['claims without a signature', { 'GPU-0': { 'x-nvidia-gpu-arch-check': true } }],
  ])('%s', (_, value) => {
    const file = bytesOf(value)
    expect(findEvidence(file, 'file')).toEqual([{ kind: 'nvidia', bytes: file, found: 'JSON' }])
  })
})

test('other formats around a document are seen, and stay around it', () => {
  const file = Uint8Array.from([0, 2, 0xb9, 0x46, ...samples.nitro, ...bytes('{"x":1}')])
  const [piece] = findEvidence(file, 'file')
  expect(piece?.bytes).toEqual(file)
  expect(piece?.wrapped).toMatchObject({ offset: 4, length: samples.nitro.length })
  const hcl = Uint8Array.from([...bytes('HCLA'), ...new Uint8Array(28), ...samples['sev-snp'], 1, 2, 3])
  expect(findEvidence(hcl, 'file')).toMatchObject([{ kind: 'sev-snp', wrapped: { offset: 32, length: 1184 } }])
})

describe('what is no evidence is told by a typed error', () => {
  test.each<readonly [string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /^an empty file$/],
    ['text', bytes('hello there'), /^11 characters of other text$/],
    ['a certificate', bytes(pem([usualChain()[0] ?? new Uint8Array()])), /^a PEM text: CERTIFICATE$/],
    ['DER', usualChain()[0] ?? new Uint8Array(), /\(DER, as certificates and revocation lists are\)$/],
    ['JSON', bytes('{"tcbInfo":{},"signature":"00"}'), /^JSON with the fields tcbInfo, signature$/],
    ['a JSON list', bytes('[1,2]'), /^JSON without evidence in it$/],
    ['broken JSON', bytes('{"quote":'), /^text that begins like JSON and is none$/],
    ['bytes', Uint8Array.of(0xff, 0xfe, 1, 2), /^4 bytes that begin with fffe0102$/],
    ['names that move a cursor', bytes('{"\\u001b[2J\\u202e":1}'), /^JSON with the fields \\x1b\[2J\\u\{202e\}$/],
  ])('%s', (_, file, got) => {
    expect(() => findEvidence(file, 'a\u001b]0;b')).toThrow(
      expect.objectContaining({
        code: 'VS_TEE_UNKNOWN_EVIDENCE',
        details: {
          file: 'a\\x1b]0;b',
          expected: expect.stringMatching(/SGX or TDX quote.*Nitro.*SEV-SNP.*NVIDIA.*hexadecimal/),
          got: expect.stringMatching(got),
        },
      }),
    )
  })

  test('JSON that is deep or wide ends soon', () => {
    const deep = bytes(`${'['.repeat(5000)}${']'.repeat(5000)}`)
    const wide = bytes(JSON.stringify(Array.from({ length: 50_000 }, () => 'ab'.repeat(40))))
    for (const file of [deep, wide])
      expect(() => findEvidence(file, 'f')).toThrow(expect.objectContaining({ code: 'VS_TEE_UNKNOWN_EVIDENCE' }))
  })
})
