import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { expectPlain, runTee } from './commands.fixture.ts'

/** Captured evidence that lies beside the project, and not in it. */
const FOLDER = resolve(__dirname, '../../../../../shared/vectors/tee')
const present = existsSync(join(FOLDER, 'README.md'))

interface Entry {
  readonly file: string
  readonly kind: string
}

const entries = ['intel', 'nitro', 'nvidia', 'sevsnp'].flatMap((vendor) => {
  const index = join(FOLDER, vendor, 'index.json')
  if (!existsSync(index)) return []
  const list = JSON.parse(readFileSync(index, 'utf8')) as readonly Entry[]
  return list
    .map(({ file, kind }) => ({ path: join(vendor, file), kind }))
    .filter(({ path }) => existsSync(join(FOLDER, path)))
})
const LABEL = { intel: /^Intel (?:SGX|TDX)/, nitro: /^AWS Nitro/, nvidia: /^NVIDIA GPU/, sevsnp: /^AMD SEV-SNP/ }
const evidence = entries.filter(({ kind }) => /quote|nitro-doc|snp-report|evidence|nras-token/.test(kind))
const others = entries.filter((entry) => !evidence.includes(entry))

if (!present) test('captured evidence', () => console.warn(`skipped: ${FOLDER} is absent`))

if (present) {
  test.each(evidence.map(({ path }) => path))('%s is shown', async (path) => {
    const { status, out, error } = await runTee(dirname(join(FOLDER, path)), 'inspect', basename(path))
    expect(error).toBeUndefined()
    expect(status).toBe(0)
    expect(out).toMatch(LABEL[dirname(path) as keyof typeof LABEL])
    expect(out).toMatch(/\n {2}wrong /)
    expectPlain(out)
    const inJson = await runTee(FOLDER, 'inspect', path, '--json')
    expect(JSON.parse(inJson.out).evidence.length).toBeGreaterThan(0)
    expectPlain((await runTee(FOLDER, 'inspect', path, '--full')).out)
  })

  test.each(others.map(({ path }) => path))('%s is no evidence, and that is said', async (path) => {
    expect(await runTee(FOLDER, 'inspect', path)).toMatchObject({
      status: 1,
      error: { code: 'VS_TEE_UNKNOWN_EVIDENCE' },
    })
  })

  /** What a reader has to be told. */
  test.each([
    ['intel/phala-tdx_quote', /trailing-bytes: 70 zero bytes/],
    ['intel/automata-sol-quote_sgx.bin', /debug: its host can read its memory/],
    ['intel/intelqvl-sgx-quote.dat', /PPID|PCK certificate/],
    ['nitro/oyster-custom.bin', /certificate-chain: the bundle does not begin with the pinned root/],
    ['nitro/anjuna-sample_attestation_doc_full.bin', /debug: PCR0 is zero/],
    ['nitro/dstack-attest-nitro_attestation_dbg.bin', /it lies in another format[\s\S]*debug: PCR0 is zero/],
    ['nvidia/nv-switch_detached_eat.json', /token-issuer: .*\s+got\s+https:\/\/nras\.attestation-stg/],
    ['nvidia/nv-switch_decoded.json', /nobody signed these claims/],
    ['nvidia/nv-hopper_evidence.json', /\n {2}open {16}revocation: no list or OCSP answer about GH100 A01 GSP BROM, /],
  ])('what is wrong with %s', async (path, wrong) => {
    expect((await runTee(FOLDER, 'inspect', path)).out).toMatch(wrong)
  })

  test.each([
    [
      'intel/phala-sgx_quote',
      'intel/phala-sgx_quote_collateral.json',
      '2025-06-19T12:56:11Z',
      /INTEL-SA-00289, INTEL-SA-00615/,
    ],
    [
      'intel/phala-tdx_quote',
      'intel/neg-crl-badsig_collateral.json',
      '2025-07-01T00:00:00Z',
      /^ {2}fail {5}pck-crl +the list's signature is wrong$/m,
    ],
    ['sevsnp/ms-turin_attestation_report.bin', 'sevsnp/ms-turin_vcek.pem', '2026-03-01T00:00:00Z', /^undetermined/],
    [
      'nvidia/nv-hopperAttestationReport.txt',
      'nvidia/nv-hopperCertChain.txt',
      '1750000000',
      /^rejected: VS_TEE_CRL\n {2}because {13}revocation: no list or OCSP answer about /,
    ],
  ])('%s with %s', async (path, collateral, now, expected) => {
    const asked = ['--policy', 'default', '--collateral', collateral, '--now', now]
    const { out, error } = await runTee(FOLDER, 'verify', path, ...asked)
    expect(error).toBeUndefined()
    expect(out).toMatch(expected)
    expectPlain(out)
  })

  afterAll(() =>
    console.info(`${evidence.length} pieces of captured evidence shown, ${others.length} other files refused`),
  )
}
