import { type SevSnpAppraisal, type SevSnpRelyingParty, sevSnpDefaults, verifySevSnp } from './index.ts'
import {
  arkOf,
  askFields,
  authority,
  type CertificateFields,
  type Chip,
  type CrlFields,
  certificate,
  crl,
  makeReport,
  NOW,
  signReport,
  vekFields,
} from './pki.fixture.ts'

export const keys = authority()
const cpuids = { Milan: [0x19, 1, 1], Genoa: [0x19, 0x11, 1], Turin: [0x1a, 2, 1] } as const
export const VCEK = '63da758d-e664-4564-adc5-f4b93be8accd'
export const ASK = '4ab7b379-bbac-4fe4-a02f-05aef327c782'
export const ARK_KEY = 'c0b406a4-a803-4952-9743-3fb6014cd0ae'
export const CRL = '92f81bc3-5811-4d3d-97ff-d19f88dc67ea'

/** Everything that a test may bend before it is signed. */
export interface Case {
  chip?: Partial<Chip>
  version?: number
  body?: (body: Uint8Array) => void
  whole?: (report: Uint8Array) => Uint8Array
  vek?: Partial<CertificateFields>
  ask?: Partial<CertificateFields>
  crl?: Partial<CrlFields> | 'none'
  collateral?: Record<string, Uint8Array | string | undefined>
  appraisal?: Partial<SevSnpAppraisal>
  relyingParty?: Partial<SevSnpRelyingParty>
  now?: bigint
}

export function build(bend: Case) {
  const chip: Chip = {
    product: 'Milan',
    kind: 'vcek',
    productName: `${bend.chip?.product ?? 'Milan'}-B0`,
    hwid: new Uint8Array(bend.chip?.product === 'Turin' ? 8 : 64).fill(0xaa),
    tcb:
      bend.chip?.product === 'Turin'
        ? Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0x51)
        : Uint8Array.of(4, 1, 0, 0, 0, 0, 24, 219),
    ...bend.chip,
  }
  const body = makeReport(chip, bend.version ?? 3, bend.version === 2 ? [0, 0, 0] : cpuids[chip.product])
  bend.body?.(body)
  const report = signReport(body, keys.vek)
  const root = arkOf(keys, chip.product)
  return {
    chip,
    root,
    evidence: bend.whole?.(report) ?? report,
    vek: certificate({ ...vekFields(keys, chip), ...bend.vek }, keys.ask),
    issuer: certificate({ ...askFields(keys, chip), ...bend.ask }, keys.ark),
    ...(bend.crl === 'none' ? {} : { crl: crl({ issuer: `ARK-${chip.product}`, ...bend.crl }, keys.ark) }),
  }
}

export const appraisal: SevSnpAppraisal = { ...sevSnpDefaults, measurements: ['44'.repeat(48)], minimumTcb: 'any' }
export const relyingParty: SevSnpRelyingParty = { reportData: '33'.repeat(64), platforms: 'any' }

export async function judge(bend: Case = {}) {
  const { evidence, root, vek, issuer, ...rest } = build(bend)
  return verifySevSnp(evidence, {
    collateral: { vek, issuer, ...('crl' in rest ? { crl: rest.crl } : {}), ...bend.collateral },
    appraisal: { ...appraisal, ...bend.appraisal },
    relyingParty: { ...relyingParty, ...bend.relyingParty },
    now: bend.now ?? NOW,
    root,
  })
}

export const set =
  (at: number, ...bytes: readonly number[]) =>
  (body: Uint8Array): void =>
    body.set(bytes, at)

/** After the signature was made. */
export const put =
  (at: number, byte: number) =>
  (report: Uint8Array): Uint8Array =>
    report.with(at, byte)
