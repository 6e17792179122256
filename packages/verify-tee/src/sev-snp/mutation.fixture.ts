import { Refusal } from '../ledger.ts'
import type { SignatureBackend } from '../pki/index.ts'
import { type SevSnpCollateral, sevSnpDefaults, verifySevSnp } from './index.ts'
import { certificateTable, parseEvidence, REPORT_BYTES, SIGNED_BYTES } from './parse.ts'
import {
  type Authority,
  arkOf,
  askFields,
  authority,
  type Chip,
  certificate,
  crl,
  makeReport,
  makeTable,
  NOW,
  signReport,
  vekFields,
} from './pki.fixture.ts'

/** Evidence that is accepted, with all that it takes. */
export interface Honest {
  readonly report: Uint8Array
  readonly kind: Chip['kind']
  readonly collateral: { readonly vek: Uint8Array; readonly issuer: Uint8Array; readonly crl?: Uint8Array }
  readonly now: bigint
  readonly root?: Uint8Array
}

const CPUID = { Milan: [0x19, 1, 1], Genoa: [0x19, 0x11, 1], Turin: [0x1a, 2, 1] } as const

export function honest(product: Chip['product'], kind: Chip['kind'], keys: Authority = authority()): Honest {
  const chip: Chip = {
    product,
    kind,
    productName: product,
    hwid: new Uint8Array(product === 'Turin' ? 8 : 64).fill(0xab),
    tcb: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0x51),
  }
  return {
    kind,
    report: signReport(makeReport(chip, product === 'Turin' ? 5 : 3, CPUID[product]), keys.vek),
    collateral: {
      vek: certificate(vekFields(keys, chip), keys.ask),
      issuer: certificate(askFields(keys, chip), keys.ark),
      crl: crl({ issuer: `ARK-${product}`, revoked: [5, 6, 7] }, keys.ark),
    },
    now: NOW,
    root: arkOf(keys, product),
  }
}

const SLOT = { vcek: '63da758d-e664-4564-adc5-f4b93be8accd', vlek: 'a8074bc2-a25a-483e-aae6-39c045a0b8a1' } as const

/** As a host would hand it out: behind the report. */
export const withTable = ({ report, kind, collateral }: Honest): Uint8Array =>
  Uint8Array.from([
    ...report,
    ...makeTable([
      [SLOT[kind], collateral.vek],
      ['4ab7b379-bbac-4fe4-a02f-05aef327c782', collateral.issuer],
      ...(collateral.crl === undefined ? [] : [['92f81bc3-5811-4d3d-97ff-d19f88dc67ea', collateral.crl] as const]),
    ]),
  ])

export const judge = (
  evidence: Uint8Array,
  { now, root, collateral }: Honest,
  given: SevSnpCollateral = {},
  backend?: SignatureBackend,
) =>
  verifySevSnp(evidence, {
    collateral: given,
    appraisal: {
      ...sevSnpDefaults,
      measurements: 'any',
      minimumTcb: 'any',
      revocation: collateral.crl === undefined ? 'optional' : 'required',
    },
    relyingParty: { reportData: 'any', platforms: 'any' },
    now,
    ...(root === undefined ? {} : { root }),
    ...(backend === undefined ? {} : { backend }),
  })

/** Whether it says the same: zeros more or less behind the table, or entries that nobody reads, change nothing. */
export function sameMeaning(evidence: Uint8Array, original: Uint8Array): boolean {
  if (Buffer.compare(evidence.subarray(0, REPORT_BYTES), original.subarray(0, REPORT_BYTES)) !== 0) return false
  try {
    const [a, b] = [evidence, original].map((bytes) => certificateTable(parseEvidence(bytes)))
    return (['vcek', 'vlek', 'ask', 'crl'] as const).every(
      (name) => Buffer.compare(a?.[name] ?? new Uint8Array(), b?.[name] ?? new Uint8Array()) === 0,
    )
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

export const signedBits = 8 * SIGNED_BYTES
