import { X509Certificate as NodeCertificate } from 'node:crypto'
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509'
import { CertificateRevocationList, Certificate as PkijsCertificate } from 'pkijs'
import { Refusal } from '../ledger.ts'
import { commonName, defaultBackend, parseCertificate, parseCrl, verifyCrl } from '../pki/index.ts'
import { honest, judge } from './mutation.fixture.ts'
import { authority, crl, NOW } from './pki.fixture.ts'
import { vectors } from './vectors.fixture.ts'

/* Others read the same certificates. Where they answer otherwise, it is written here, with the reason. */

const keys = authority()
const milan = honest('Milan', 'vcek', keys)
const { root = new Uint8Array() } = milan
const certificates = [
  ...[milan, honest('Turin', 'vlek', keys)].flatMap(({ collateral }) => [collateral.vek, collateral.issuer]),
  ...vectors().flatMap(({ vek, issuer }) => [vek, issuer]),
]
const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
const hex = (bytes: ArrayBuffer | Uint8Array): string => Buffer.from(new Uint8Array(bytes)).toString('hex')

test('serials, names, dates and extensions are what node:crypto, @peculiar/x509 and pkijs read', () => {
  for (const der of certificates) {
    const ours = parseCertificate(der, 'certificate')
    const node = new NodeCertificate(der)
    const peculiar = new PeculiarCertificate(buffer(der))
    const pkijs = PkijsCertificate.fromBER(buffer(der))
    expect(BigInt(`0x${ours.serial}`)).toBe(BigInt(`0x${node.serialNumber}`))
    expect(BigInt(`0x${ours.serial}`)).toBe(BigInt(`0x${peculiar.serialNumber}`))
    for (const theirs of [peculiar.notBefore, new Date(node.validFrom), pkijs.notBefore.value])
      expect(BigInt(theirs.getTime()) / 1000n).toBe(ours.notBefore)
    for (const theirs of [peculiar.notAfter, new Date(node.validTo), pkijs.notAfter.value])
      expect(BigInt(theirs.getTime()) / 1000n).toBe(ours.notAfter)
    expect(node.subject).toContain(`CN=${commonName(ours.subject)}`)
    expect(node.issuer).toContain(`CN=${commonName(ours.issuer)}`)
    const values = peculiar.extensions.map(({ type, value }) => [type, hex(value)])
    expect([...ours.extensions].map(([type, { value }]) => [type, hex(value)])).toEqual(values)
    const theirs = pkijs.extensions?.map(({ extnID, extnValue }) => [extnID, hex(extnValue.valueBlock.valueHexView)])
    expect(theirs).toEqual(values)
  }
})

test('signatures in a chain are right for node:crypto and pkijs as well', async () => {
  const pairs = [
    [milan.collateral.vek, milan.collateral.issuer],
    [milan.collateral.issuer, root],
    ...vectors().map(({ vek, issuer }) => [vek, issuer]),
  ]
  for (const [der = root, by = root] of pairs) {
    const [subject, issuer] = [parseCertificate(der, 'subject'), parseCertificate(by, 'issuer')]
    const ours = await defaultBackend().verify(subject.algorithm, issuer.key, subject.tbs, subject.signature)
    expect(ours).toBe(true)
    expect(new NodeCertificate(der).verify(new NodeCertificate(by).publicKey)).toBe(true)
    expect(await PkijsCertificate.fromBER(buffer(der)).verify(PkijsCertificate.fromBER(buffer(by)))).toBe(true)
  }
})

test('bytes after a certificate: @peculiar/x509 and pkijs pass over them; here they are no certificate', async () => {
  const longer = new Uint8Array([...milan.collateral.vek, 1, 2, 3])
  expect(new PeculiarCertificate(buffer(longer)).subject).toContain('SEV-VCEK')
  expect(() => PkijsCertificate.fromBER(buffer(longer))).not.toThrow()
  expect(() => parseCertificate(longer, 'vek')).toThrow(Refusal)
  const verdict = await judge(milan.report, milan, { ...milan.collateral, vek: longer })
  expect(verdict).toMatchObject({ status: 'rejected', check: 'certificates', code: 'VS_TEE_COLLATERAL' })
})

test('a list out of date: pkijs verifies its signature and leaves the dates to the caller; here it is refused', async () => {
  const old = crl({ issuer: 'ARK-Milan', nextUpdate: NOW - 1n }, keys.ark)
  const theirs = CertificateRevocationList.fromBER(buffer(old))
  expect(await theirs.verify({ issuerCertificate: PkijsCertificate.fromBER(buffer(root)) })).toBe(true)
  const ours = await verifyCrl(parseCrl(old, 'crl'), parseCertificate(root, 'root'), NOW, defaultBackend())
  expect(ours).toMatchObject({ ok: false, code: 'VS_TEE_CRL' })
  const verdict = await judge(milan.report, milan, { ...milan.collateral, crl: old })
  expect(verdict).toMatchObject({ status: 'rejected', check: 'revocation' })
})
