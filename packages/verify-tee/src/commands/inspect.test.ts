import fc from 'fast-check'
import { makeQuote } from '../intel/platform.fixture.ts'
import { certificate, makeEvidence } from '../nitro/enclave.fixture.ts'
import { bytesOf, makeReport as makeGpuReport, pem, usualChain } from '../nvidia/devices.fixture.ts'
import { honest, withTable } from '../sev-snp/mutation.fixture.ts'
import { expectPlain, inFolder, runTee } from './commands.fixture.ts'

const inspect = (evidence: Uint8Array | string | object, ...more: readonly string[]) =>
  inFolder({ evidence }, async (folder) => {
    const ran = await runTee(folder, 'inspect', 'evidence', ...more)
    if (!more.includes('--json')) expectPlain(ran.out)
    return ran
  })

const GOLDEN = `AWS Nitro
  file                evidence
  found               as it is, N bytes
  sha256              DIGEST

document
  module              i-0123456789abcdef0-enc0123456789abcdef
  instance            i-0123456789abcdef0
  made at             2025-06-15T15:06:40.123Z
  digest              SHA384
  debug mode          yes
  public key          010203
  user data           none
  nonce               06

measurements
  PCR0                zero (48 bytes)
  PCR1                1111111111111111111111111111111111111111…2222222222222222 (48 bytes)

TCB
  status              AWS publishes none

certificate chain
  leaf                leaf
                      2001-01-01T00:00:00Z to 2100-01-01T00:00:00Z
                      serial 05
  issuer 1            instance
                      2001-01-01T00:00:00Z to 2100-01-01T00:00:00Z
                      serial 04
  issuer 2            zone
                      2001-01-01T00:00:00Z to 2100-01-01T00:00:00Z
                      serial 03
  issuer 3            region
                      2001-01-01T00:00:00Z to 2100-01-01T00:00:00Z
                      serial 02
  issuer 4            root
                      2001-01-01T00:00:00Z to 2100-01-01T00:00:00Z
                      serial 01

checks that need no collateral and no policy
  at                  2025-06-15T15:06:40Z, when it says that it was made
  wrong               certificate-chain: the bundle does not begin with the pinned root
  held                form, trailing-bytes, algorithm
  open                not reached: signing-key, signature
`

test('a Nitro document as a table, word by word', async () => {
  const pcr1 = new Uint8Array(48).fill(0x11).fill(0x22, 40)
  const evidence = makeEvidence({
    fields: (fields) => {
      fields.set(
        'pcrs',
        new Map([
          [0, new Uint8Array(48)],
          [1, pcr1],
        ]),
      )
      fields.set('user_data', null)
    },
  })
  const { status, out, error } = await inspect(evidence)
  expect(error).toBeUndefined()
  expect(status).toBe(0)
  expect(out.replace(/as it is, \d+ bytes/, 'as it is, N bytes').replace(/(sha256 +)[0-9a-f]{64}/, '$1DIGEST')).toBe(
    GOLDEN,
  )
})

describe('Intel', () => {
  test('a quote of a trust domain', async () => {
    const { out } = await inspect(makeQuote())
    expect(out).toMatch(/^Intel TDX\n/)
    for (const name of ['MRTD', 'RTMR3', 'report data', 'PPID', 'FMSPC', 'TEE_TCB_SVN', 'leaf'])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(out).toMatch(/^ {2}attributes {10}[0-9a-f]{16}: .*SEPT_VE_DISABLE/m)
    expect(out).toMatch(/^ {2}wrong {15}pck-chain: the root in the chain|^ {2}wrong {15}pck-chain: /m)
  })

  test('what a body of type 4 says besides, also where the quote is cut', async () => {
    const body = { initServiceTd: '0a'.repeat(48), currentServiceTd: '0b'.repeat(48), deviceInfo: '0c'.repeat(48) }
    const quote = makeQuote({ kind: 'tdx-v5-1.5ex', body })
    for (const bytes of [quote, quote.subarray(0, 1000)]) {
      const { out } = await inspect(bytes)
      expect(out).toMatch(/^ {2}MRSERVICETD first {3}0a0a/m)
      expect(out).toMatch(/^ {2}MRSERVICETD now {5}0b0b/m)
      expect(out).toMatch(/^ {2}devices {13}0c0c/m)
    }
  })

  test('an enclave that can be debugged, with something behind it', async () => {
    const { out } = await inspect(
      makeQuote({
        kind: 'sgx-v3',
        body: { attributes: `07${'00'.repeat(7)}e700000000000000` },
        trailing: Uint8Array.of(1, 2, 3),
      }),
    )
    expect(out).toMatch(/^Intel SGX\n/)
    expect(out).toMatch(/INIT, DEBUG, MODE64BIT/)
    expect(out).toMatch(/debug: its host can read its memory/)
    expect(out).toMatch(/trailing-bytes: 3 bytes, not all zero/)
  })

  test('what can not be read is shown as far as it goes', async () => {
    const whole = makeQuote()
    const cut = await inspect(whole.subarray(0, 700))
    expect(cut.status).toBe(0)
    expect(cut.out).toMatch(/^quote, as far as it can be read\n/m)
    expect(cut.out).toMatch(/^ {2}MRTD /m)
    expect(cut.out).toMatch(/^ {2}wrong {15}quote\./m)
    const header = await inspect(whole.subarray(0, 40))
    expect(header.out).not.toMatch(/MRTD/)
    expect(header.out).toMatch(/^ {2}attestation key {5}ECDSA with P-256$/m)
    const old = await inspect(makeQuote({ header: { version: 9 } }))
    expect(old.out).toMatch(/quote\.version: expected 3, 4 or 5, got 9/)
  })

  test('at a time that was asked for', async () => {
    const { out } = await inspect(makeQuote(), '--now', '2150-01-01T00:00:00Z')
    expect(out).toMatch(/^ {2}at {18}2150-01-01T00:00:00Z, as asked$/m)
  })
})

describe('AMD SEV-SNP', () => {
  const keys = honest('Milan', 'vcek')

  test('a report, and one with its certificates', async () => {
    const alone = await inspect(keys.report)
    expect(alone.out).toMatch(/^ {2}reported {12}[0-9a-f]{16}: bootloader \d+, tee \d+, snp \d+, microcode \d+$/m)
    expect(alone.out).toMatch(/^ {2}wrong {15}nothing found$/m)
    expect(alone.out).toMatch(/^ {2}open {16}without collateral: no certificate of the VCEK$/m)
    const table = await inspect(withTable(keys))
    expect(table.out).toMatch(/^certificate table\n {2}vcek {16}SEV-VCEK\n {22}issued by SEV-Milan\n/m)
    expect(table.out).toMatch(/^ {2}wrong {15}chain: /m)
  })

  test('a damaged and a short one', async () => {
    const reserved = await inspect(keys.report.with(0x4c, 1))
    expect(reserved.out).toMatch(/reserved-fields: bytes 4ch to 4fh/)
    const short = await inspect(keys.report.subarray(0, 900))
    expect(short.out).toMatch(/^ {2}wrong {15}.*expected 1184 bytes, got 900/m)
    expect(short.out).toMatch(/^ {2}measurement /m)
    const debug = await inspect(keys.report.with(0x0a, 0x0b))
    expect(debug.out).toMatch(/debug: the guest policy lets the host read its memory/)
  })
})

describe('NVIDIA', () => {
  test('a report of a device', async () => {
    const { out } = await inspect(makeGpuReport())
    expect(out).toMatch(/^reports of the devices \(SPDM\)\n {2}nonce {15}(?:a5){32}\n/m)
    expect(out).toMatch(/: measurements\n/)
    expect(out).toMatch(/without collateral: no certificate chain/)
  })

  test('claims that nobody signed', async () => {
    const { out } = await inspect({ 'GPU-0': { 'x-nvidia-gpu-arch-check': true, hwmodel: '\u001b]0;x' } })
    expect(out).toMatch(/^ {2}gpu-arch-check +true$/m)
    expect(out).toMatch(/^ {2}hwmodel +\\x1b\]0;x$/m)
    expect(out).toMatch(/nobody signed these claims/)
  })
})

test('a document in another format is shown, and what lies around it is wrong', async () => {
  const { out } = await inspect(Uint8Array.from([0, 2, 0xb9, 0x46, ...makeEvidence(), 1, 2, 3]))
  expect(out).toMatch(/^ {2}module {14}i-0123456789abcdef0-enc/m)
  expect(out).toMatch(/^ {2}wrong {15}it lies in another format, 4 bytes before it and 3 after it/m)
})

test('all pieces of a file, or one', async () => {
  const hex = (b: Uint8Array) => Buffer.from(b).toString('hex')
  const file = `${hex(makeQuote())}\n${hex(makeEvidence())}\n`
  expect((await inspect(file)).out).toMatch(/^Intel TDX \(1 of 2\)\n[\s\S]*\n\nAWS Nitro \(2 of 2\)\n/)
  expect((await inspect(file, '--part', '2')).out).toMatch(/^AWS Nitro\n/)
  expect((await inspect(file, '--part', '3')).error).toMatchObject({ code: 'VS_TEE_INVALID_OPTION' })
})

test('JSON has the claims whole', async () => {
  const { out } = await inspect(makeEvidence(), '--json')
  const { evidence } = JSON.parse(out)
  expect(evidence).toMatchObject([
    {
      vendor: 'AWS Nitro',
      kind: 'nitro',
      at: { now: '2025-06-15T15:06:40Z' },
      wrong: ['certificate-chain: the bundle does not begin with the pinned root'],
      claims: { pcrs: { 2: '03'.repeat(48) } },
    },
  ])
})

test('every byte where that is asked', async () => {
  const { out } = await inspect(makeEvidence(), '--full')
  expect(out.replace(/\n {22}/g, '')).toContain('03'.repeat(48))
})

test('hostile names do not reach the terminal', async () => {
  const evil = certificate('leaf', { subject: 'a\u001b[2J\u202e' })
  const { out } = await inspect(makeEvidence({ fields: (fields) => fields.set('certificate', evil) }))
  expect(out).toMatch(/^ {2}leaf {16}a.*\[2J/m)
})

describe('refuses', () => {
  test.each<readonly [string, readonly string[], string]>([
    ['no file', [], 'VS_TEE_INVALID_OPTION'],
    ['two files', ['a', 'b'], 'VS_TEE_INVALID_OPTION'],
    ['an unknown option', ['a', '--colour'], 'VS_TEE_INVALID_OPTION'],
    ['a time without a zone', ['a', '--now', '2025-01-01T00:00:00'], 'VS_TEE_INVALID_OPTION'],
    ['a part that is no number', ['a', '--part', '0'], 'VS_TEE_INVALID_OPTION'],
    ['a file that is not there', ['missing'], 'VS_TEE_FILE'],
    ['a folder', ['.'], 'VS_TEE_FILE'],
    ['text', ['a'], 'VS_TEE_UNKNOWN_EVIDENCE'],
  ])('%s', (_, args, code) =>
    inFolder({ a: 'hello' }, async (folder) => {
      expect(await runTee(folder, 'inspect', ...args)).toMatchObject({ status: 1, out: '', error: { code } })
    }),
  )
})

describe('whatever was done to evidence, it is shown or refused by its name', () => {
  const base64 = (b: Uint8Array | string): string => Buffer.from(b).toString('base64')
  const entry = { arch: 'HOPPER', certificate: base64(pem(usualChain())), evidence: base64(makeGpuReport()) }
  const samples: Readonly<Record<string, Uint8Array>> = {
    TDX: makeQuote(),
    SGX: makeQuote({ kind: 'sgx-v3' }),
    Nitro: makeEvidence(),
    'SEV-SNP': withTable(honest('Turin', 'vcek')),
    SPDM: makeGpuReport(),
    'NVIDIA list': bytesOf([entry]),
    'NVIDIA claims': bytesOf({ 'GPU-0': { 'x-nvidia-gpu-arch-check': true, list: [1, { a: null }] }, 'GPU-1': {} }),
  }
  test.each(Object.entries(samples))('%s', async (_, evidence) => {
    const change = fc.oneof(
      fc.record({ at: fc.nat(evidence.length - 1), byte: fc.nat(255) }),
      fc.record({ cut: fc.nat(evidence.length) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.uint8Array({ maxLength: 9 }),
        (list, tail) => {
          let bytes = evidence
          for (const c of list)
            bytes = 'cut' in c ? bytes.slice(0, c.cut) : bytes.map((b, i) => (i === c.at ? c.byte : b))
          return inFolder({ evidence: Uint8Array.from([...bytes, ...tail]) }, async (folder) => {
            const { status, out, error } = await runTee(folder, 'inspect', 'evidence')
            if (error === undefined) expect(status).toBe(0)
            else expect(error).toMatchObject({ code: 'VS_TEE_UNKNOWN_EVIDENCE' })
            expectPlain(out)
          })
        },
      ),
      { numRuns: 40 },
    )
  })
})
