import { nobleBackend, nodeBackend, webBackend } from '../pki/index.ts'
import { INTEL_SGX_ROOT, inspectIntel, verifyIntel } from './index.ts'
import {
  ANYONE,
  bytesOf,
  collateralOf,
  type Entry,
  has,
  index,
  LENIENT,
  present,
  quoteOf,
  quotesOf,
  seconds,
  textOf,
} from './vectors.fixture.ts'

const entries = index()
const quotes = entries.filter((e) => e.kind === 'quote')
const evaluations = quotes.flatMap((entry) =>
  Object.entries(entry.tcb_evaluation ?? {})
    .filter(([file]) => has(file))
    .map(([file, expected]) => ({ entry, file, expected })),
)
const mixed = (file: string): boolean =>
  entries.some((e) => e.file === file && e.note?.includes(file.replace('_collateral.json', '')))

if (!present) test('captured Intel evidence is not beside the project: nothing was judged', () => undefined)
else {
  afterAll(() => {
    const negatives = entries.filter((e) => e.kind === 'collateral-negative').length
    process.stdout.write(
      `intel vectors: ${quotes.length} files of quotes, ${evaluations.length} TCB evaluations, ${negatives} negatives\n`,
    )
  })

  test.each(quotes.map((entry): [string, Entry] => [entry.file, entry]))(
    '%s says what the index saw',
    (file, entry) => {
      const { observed } = entry
      const claims = inspectIntel(quoteOf(file))
      expect({
        v: claims.version,
        tee: claims.tee.toUpperCase(),
        trail: claims.trailingBytes,
        fmspc: claims.pck?.fmspc ?? null,
        cpusvn: claims.pck?.cpuSvn ?? null,
        pcesvn: claims.pck?.pceSvn ?? null,
        teeTcbSvn: claims.tee === 'tdx' ? claims.report.teeTcbSvn : null,
      }).toEqual({
        v: observed?.v,
        tee: observed?.tee,
        trail: observed?.trail,
        fmspc: observed?.fmspc,
        cpusvn: observed?.cpusvn,
        pcesvn: observed?.pcesvn,
        teeTcbSvn: observed?.teeTcbSvn,
      })
      for (const other of quotesOf(file))
        expect((inspectIntel(other).pck ?? inspectIntel(other).pckId)?.ppid).toHaveLength(32)
    },
  )

  describe.each([['noble'], ['node'], ['webcrypto']] as const)('with %s', (name) => {
    const backend = { noble: nobleBackend, node: nodeBackend(), webcrypto: webBackend() }[name]
    if (backend === undefined) throw new Error(`no ${name}`)

    test.each(evaluations.map((e) => [e.entry.file, e.file, e] as const))('%s under %s', async (_, __, e) => {
      const appraisal = { ...LENIENT, allowDebug: e.entry.observed?.debug === true }
      const now = seconds(e.expected.at)
      const collateral = collateralOf(e.file)
      const verdict = await verifyIntel(quoteOf(e.entry.file), {
        collateral,
        appraisal,
        relyingParty: ANYONE,
        now,
        backend,
      })
      expect(verdict.tcb?.status).toBe(e.expected.converged)
      expect(verdict.tcb?.parts?.platform).toBe(e.expected.platform)
      expect(verdict.tcb?.parts?.module ?? 'n/a').toBe(e.expected.module)
      expect(verdict.tcb?.advisories).toEqual(e.expected.advisories)
      const failed = verdict.checks.filter((c) => c.outcome === 'fail').map((c) => c.id)
      if (e.expected.converged === 'TCBNotSupported') expect(failed).toContain('tcb-status')
      else if (mixed(e.file)) expect(verdict.status).toBe('rejected')
      else expect({ status: verdict.status, failed }).toEqual({ status: 'accepted', failed: [] })
    })

    test.each(entries.filter((e) => e.kind === 'collateral-negative').map((e): [string, Entry] => [e.file, e]))(
      '%s is refused',
      async (file, entry) => {
        const verdict = await verifyIntel(quoteOf(entry.use_with ?? ''), {
          collateral: collateralOf(file),
          appraisal: LENIENT,
          relyingParty: ANYONE,
          now: seconds(entry.at ?? ''),
          backend,
        })
        const crl = file.includes('crl')
        expect(verdict).toMatchObject({
          status: 'rejected',
          code: crl ? 'VS_TEE_CRL' : 'VS_TEE_COLLATERAL',
        })
        expect(verdict.checks).toContainEqual(
          expect.objectContaining({ id: crl ? 'pck-crl' : 'qe-identity-kind', outcome: 'fail' }),
        )
      },
    )
  })

  const signed = quotes.filter(({ observed }) => observed?.chain === true)
  test.each(signed.map((e): [string, Entry] => [e.file, e]))('%s is signed and chained', async (file, { observed }) => {
    const now = seconds(observed?.nb ?? '') + 86_400n
    const [quote = new Uint8Array(0)] = quotesOf(file)
    const verdict = await verifyIntel(quote, { appraisal: LENIENT, relyingParty: ANYONE, now })
    expect(verdict).toMatchObject({ status: 'undetermined', missing: 'collateral' })
    expect(verdict.checks.filter(({ outcome }) => outcome === 'pass').map(({ id }) => id)).toEqual(
      expect.arrayContaining(['pck-chain', 'qe-report-signature', 'qe-binding', 'quote-signature']),
    )
  })

  describe('Intel’s sample, with a PKI of its own', () => {
    const hex = (file: string) => Buffer.from(bytesOf(`intelqvl-sgx-${file}`)).toString('hex')
    const judge = (change: object, own = true) => {
      const pem = textOf('intelqvl-sgx-trustedRootCaCert.pem').replace(/-----[A-Z ]+-----/g, '')
      return verifyIntel(quoteOf('intelqvl-sgx-quote.dat'), {
        collateral: {
          tcb_info: textOf('intelqvl-sgx-tcbInfo.json').trim(),
          tcb_info_issuer_chain: textOf('intelqvl-sgx-tcbSignChain.pem'),
          qe_identity: textOf('intelqvl-sgx-qeIdentity.json').trim(),
          qe_identity_issuer_chain: textOf('intelqvl-sgx-tcbSignChain.pem'),
          root_ca_crl: hex('rootCaCrl.der'),
          pck_crl: hex('intermediateCaCrl.der'),
          pck_certificate_chain: textOf('intelqvl-sgx-pckCert.pem') + textOf('intelqvl-sgx-pckSignChain.pem'),
        },
        appraisal: { ...LENIENT, allowUninitialised: true, ...change },
        relyingParty: ANYONE,
        now: seconds('2020-01-01T00:00:00Z'),
        ...(own ? { root: new Uint8Array(Buffer.from(pem, 'base64')) } : {}),
      })
    }

    test('passes under its own root', async () => {
      const verdict = await judge({})
      expect(verdict.checks.filter(({ outcome }) => outcome === 'fail')).toEqual([])
      expect(verdict).toMatchObject({ status: 'accepted', tcb: { status: 'UpToDate', advisories: [] } })
    })

    test('fails under Intel’s, and where enclaves have to be real', async () => {
      expect(await judge({}, false)).toMatchObject({ status: 'rejected', code: 'VS_TEE_CHAIN', check: 'pck-chain' })
      expect(await judge({ allowUninitialised: false })).toMatchObject({ status: 'rejected', check: 'attributes' })
    })
  })

  test('debug enclaves, trailing bytes and anything not up to date are refused by the strict policy', async () => {
    const verdict = await verifyIntel(quoteOf('automata-sol-quote_sgx.bin'), {
      collateral: collateralOf('phala-sgx_quote_collateral.json'),
      appraisal: LENIENT,
      relyingParty: ANYONE,
      now: seconds('2025-06-19T12:56:11Z'),
    })
    expect(verdict).toMatchObject({ status: 'rejected', code: 'VS_TEE_DEBUG' })
    const trailing = await verifyIntel(quoteOf('phala-tdx_quote'), {
      collateral: collateralOf('phala-tdx_quote_collateral.json'),
      appraisal: { ...LENIENT, trailingBytes: 'refuse' },
      relyingParty: ANYONE,
      now: seconds('2025-06-19T12:32:27Z'),
    })
    expect(trailing).toMatchObject({ status: 'rejected', code: 'VS_TEE_TRAILING_BYTES' })
  })

  test('a quote without collateral stays undetermined', async () => {
    const verdict = await verifyIntel(quoteOf('phala-tdx_quote'), {
      appraisal: LENIENT,
      relyingParty: ANYONE,
      now: seconds('2025-06-19T12:32:27Z'),
    })
    expect(verdict).toMatchObject({ status: 'undetermined', missing: 'collateral' })
  })

  test('the root that is pinned is the one that was captured', () => {
    const root = Buffer.from(bytesOf('phala-TrustedRootCA.der')).toString('base64')
    expect(root).toBe(INTEL_SGX_ROOT)
  })
}
