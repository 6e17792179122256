import { createHash, X509Certificate } from 'node:crypto'
import {
  commonName,
  nobleBackend,
  nodeBackend,
  parseCertificate,
  type SignatureBackend,
  verifyPath,
  webBackend,
} from '../pki/index.ts'
import { sevSnpDefaults, verifySevSnp } from './index.ts'
import { PRODUCTS } from './product.ts'
import { ARK, pinnedRoot } from './roots.ts'
import { certificatesOf, fromBase64, vectors, vectorsPresent } from './vectors.fixture.ts'
import { issuerName } from './vek.ts'

const appraisal = { ...sevSnpDefaults, revocation: 'optional', measurements: 'any', minimumTcb: 'any' } as const
const relyingParty = { reportData: 'any', platforms: 'any' } as const
const backends = [nobleBackend, nodeBackend(), webBackend()].filter((b): b is SignatureBackend => b !== undefined)

test('the pinned roots are the ones that AMD publishes', () => {
  const digests = Object.values(ARK).map((text) => createHash('sha256').update(fromBase64(text)).digest('hex'))
  expect(digests).toEqual([
    '69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd',
    '4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1',
    '1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a',
  ])
  for (const [product, text] of Object.entries(ARK)) {
    const root = new X509Certificate(fromBase64(text))
    expect(root.subject).toContain(`CN=ARK-${product}`)
    expect(root.verify(root.publicKey)).toBe(true)
  }
})

if (!vectorsPresent) process.stderr.write('skipped: ../shared/vectors/tee/sevsnp is not beside the project\n')
const present = vectorsPresent ? describe : describe.skip

present('reports of real machines', () => {
  let ran = 0
  afterAll(() => void process.stderr.write(`SEV-SNP: ${ran} verdicts on ${vectors().length} reports\n`))

  test.each(vectors().map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    const { report, vek, issuer, from, to, observed } = vector
    for (const backend of backends) {
      const at = (now: bigint) =>
        verifySevSnp(report, { collateral: { vek, issuer }, appraisal, relyingParty, now, backend })
      const verdict = await at(from)
      expect(verdict).toMatchObject({ status: 'accepted', tcb: { status: 'Committed', advisories: [] } })
      expect((await at(to)).status).toBe('accepted')
      for (const now of [from - 1n, to + 1n])
        expect(await at(now)).toMatchObject({ status: 'rejected', code: 'VS_TEE_CERTIFICATE_DATE', check: 'chain' })
      const { claims } = verdict
      const tcb = claims?.tcb.reported.components
      expect({
        ver: claims?.version,
        svn: claims?.guestSvn,
        vmpl: claims?.vmpl,
        alg: claims?.signatureAlgorithm,
        debug: claims?.policy.debug,
        migrate: claims?.policy.migrateMa,
        mask_chip: claims?.maskChipKey,
        signKey: ['vcek', 'vlek'].indexOf(String(claims?.signingKey)),
        rd: claims?.reportData.slice(0, 24),
        meas: claims?.measurement.slice(0, 16),
        rtcb: claims?.tcb.reported.raw,
        vekTcb: { bl: tcb?.bootloader, tee: tcb?.tee, snp: tcb?.snp, fmc: tcb?.fmc ?? null, uc: tcb?.microcode },
      }).toEqual({
        ver: observed.ver,
        svn: observed.svn,
        vmpl: observed.vmpl,
        alg: observed.alg,
        debug: observed.debug,
        migrate: observed.migrate,
        mask_chip: observed.mask_chip,
        signKey: observed.signKey,
        rd: observed.rd,
        meas: observed.meas,
        rtcb: observed.rtcb,
        vekTcb: observed.vekTcb,
      })
      expect(observed.ark).toBe(`CN=ARK-${claims?.product}`)
      ran += 4
    }
  })

  test("another chip's or version's endorsement key is refused", async () => {
    for (const { name, report, vek, issuer, from } of vectors())
      for (const other of certificatesOf(/^SEV-V[CL]EK$/)) {
        if (Buffer.compare(other.der, vek) === 0) continue
        const options = { collateral: { vek: other.der, issuer }, appraisal, relyingParty, now: from }
        const verdict = await verifySevSnp(report, options)
        expect({ name, other: other.name, status: verdict.status }).toMatchObject({ status: 'rejected' })
        ran += 1
      }
  })

  test('the issuers of VCEKs and VLEKs of every product lead to the pinned roots', async () => {
    const names = new Set<string>()
    for (const { name, der } of certificatesOf(/^SEV-(?!V[CL]EK$)/)) {
      const issuer = parseCertificate(der, name)
      const product = PRODUCTS.find((line) => commonName(issuer.issuer) === `ARK-${line}`)
      if (product === undefined) throw new Error(name)
      const root = pinnedRoot(product)
      for (const backend of backends)
        expect(await verifyPath([issuer], { at: issuer.notBefore, backend, root })).toEqual({ ok: true })
      expect(issuer.ca).toBeDefined()
      names.add(commonName(issuer.subject) ?? '')
    }
    const expected = PRODUCTS.flatMap((line) => [issuerName('vcek', line), issuerName('vlek', line)])
    expect([...names].sort()).toEqual(expected.sort())
  })

  test('without certificates nothing is decided; without a list that the policy asks for it is refused', async () => {
    for (const { report, vek, issuer, from: now } of vectors()) {
      const options = { appraisal, relyingParty, now }
      expect((await verifySevSnp(report, options)).status).toBe('undetermined')
      expect((await verifySevSnp(report, { ...options, collateral: { vek } })).status).toBe('undetermined')
      const strict = {
        ...options,
        appraisal: { ...appraisal, revocation: 'required' },
        collateral: { vek, issuer },
      } as const
      expect(await verifySevSnp(report, strict)).toMatchObject({ status: 'rejected', code: 'VS_TEE_CRL' })
      ran += 3
    }
  })
})
