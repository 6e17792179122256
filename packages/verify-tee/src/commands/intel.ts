import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { Cursor } from '../bytes.ts'
import {
  FEATURES,
  type IntelAppraisal,
  type IntelClaims,
  type IntelRelyingParty,
  inspectIntel,
  intelDefaults,
  SGX_ATTRIBUTES,
  TD_ATTRIBUTES,
  verifyIntel,
} from '../intel/index.ts'
import { readSgxReport, readTdReport, type SgxReport, type TdReport } from '../intel/report.ts'
import { fetchIntel, intelCollateral } from './intel-collateral.ts'
import { hexRow, type Row, row, type Section } from './print.ts'
import { chainSection, findings, judgedBy, latest, reasonOf, type VendorCommands, type View } from './vendor.ts'

const anything = {
  appraisal: { ...intelDefaults, sgx: 'any', tdx: 'any' } satisfies IntelAppraisal,
  relyingParty: { reportData: 'any', platforms: 'any' } satisfies IntelRelyingParty,
}

export const intel: VendorCommands = {
  inspect,
  defaultPolicy: anything,
  collateral: intelCollateral,
  fetch: fetchIntel,
  verify: judgedBy(verifyIntel),
}

async function inspect(evidence: Uint8Array, now: bigint | undefined): Promise<View> {
  let claims: IntelClaims
  try {
    claims = inspectIntel(evidence)
  } catch (error) {
    return partial(evidence, reasonOf(error))
  }
  const at = now === undefined ? newest(claims) : { seconds: now, why: 'as asked' }
  const verdict = await verifyIntel(evidence, { ...anything, now: at?.seconds ?? 0n })
  const { held, wrong, open } = findings(verdict)
  return {
    vendor: claims.tee === 'sgx' ? 'Intel SGX' : 'Intel TDX',
    sections: sectionsOf(claims),
    ...(at && { at }),
    held,
    wrong: [...wrong, ...weaknesses(claims)],
    open: [...open, 'TCB status and advisories are in the collateral'],
    claims,
  }
}

function newest({ chain }: IntelClaims): View['at'] {
  const begins = latest(chain.map(({ notBefore }) => BigInt(notBefore)))
  return begins === undefined ? undefined : { seconds: begins, why: 'when its newest certificate begins' }
}

/** What `intelDefaults` would refuse, whatever the collateral says. */
function weaknesses(claims: IntelClaims): readonly string[] {
  if (claims.tee === 'sgx') return isDebugEnclave(claims.report) ? ['debug: its host can read its memory'] : []
  const { tdAttributes } = claims.report
  return [
    ...(tdAttributes.startsWith('00') ? [] : ['debug: its host can read its memory']),
    ...(hasBit(tdAttributes, TD_ATTRIBUTES.SEPT_VE_DISABLE) ? [] : ['SEPT_VE_DISABLE is not set']),
    ...(hasBit(tdAttributes, TD_ATTRIBUTES.MIGRATABLE) ? ['MIGRATABLE: another domain may move it'] : []),
  ]
}

const isDebugEnclave = (report: SgxReport): boolean => hasBit(report.attributes.slice(0, 16), SGX_ATTRIBUTES.DEBUG)

function sectionsOf(claims: IntelClaims): readonly Section[] {
  const { qe } = claims
  return [
    {
      title: 'quote',
      rows: [
        row('version', claims.tee === 'tdx' ? `${claims.version}, TDX module ${claims.module}` : claims.version),
        hexRow('QE vendor', claims.qeVendorId),
        ...(claims.headerSvn === undefined ? [] : [row('QE, PCE SVN', Object.values(claims.headerSvn).join(', '))]),
        hexRow('user data', claims.userData),
        row('trailing bytes', claims.trailingBytes),
      ],
    },
    ...(claims.tee === 'sgx' ? enclaveSections(claims.report) : domainSections(claims.report)),
    {
      title: 'platform and TCB',
      rows: [...platformRows(claims), ...(claims.tee === 'tdx' ? moduleRows(claims.report) : [])],
    },
    {
      title: 'quoting enclave',
      rows: [
        hexRow('MRSIGNER', qe.report.mrSigner),
        hexRow('MRENCLAVE', qe.report.mrEnclave),
        row('ISVPRODID, ISVSVN', `${qe.report.isvProdId}, ${qe.report.isvSvn}`),
      ],
    },
    chainSection('PCK certificate chain', claims.chain),
  ]
}

function enclaveSections(report: SgxReport): readonly Section[] {
  const [flags, xfrm] = [report.attributes.slice(0, 16), report.attributes.slice(16)]
  return [
    {
      title: 'measurements',
      rows: [
        hexRow('MRENCLAVE', report.mrEnclave),
        hexRow('MRSIGNER', report.mrSigner),
        row('ISVPRODID, ISVSVN', `${report.isvProdId}, ${report.isvSvn}`),
        hexRow('CONFIGID', report.configId),
        row('CONFIGSVN', report.configSvn),
        hexRow('ISVEXTPRODID', report.isvExtProdId),
        hexRow('ISVFAMILYID', report.isvFamilyId),
        hexRow('report data', report.reportData),
      ],
    },
    {
      title: 'enclave',
      rows: [
        row('attributes', `${flags}: ${bitNames(flags, SGX_ATTRIBUTES)}`),
        row('XFRM', `${xfrm}: ${bitNames(xfrm, FEATURES)}`),
        row('MISCSELECT', report.miscSelect),
        row('CPUSVN', report.cpuSvn),
      ],
    },
  ]
}

function domainSections(report: TdReport): readonly Section[] {
  return [
    {
      title: 'measurements',
      rows: [
        hexRow('MRTD', report.mrTd),
        ...report.rtmr.map((value, i) => hexRow(`RTMR${i}`, value)),
        hexRow('MRCONFIGID', report.mrConfigId),
        hexRow('MROWNER', report.mrOwner),
        hexRow('MROWNERCONFIG', report.mrOwnerConfig),
        ...(report.mrServiceTd === undefined ? [] : [hexRow('MRSERVICETD', report.mrServiceTd)]),
        ...(report.extended === undefined
          ? []
          : [
              hexRow('MRSERVICETD first', report.extended.initServiceTd),
              hexRow('MRSERVICETD now', report.extended.currentServiceTd),
              hexRow('devices', report.extended.deviceInfo),
            ]),
        hexRow('report data', report.reportData),
      ],
    },
    {
      title: 'trust domain',
      rows: [
        row('attributes', `${report.tdAttributes}: ${bitNames(report.tdAttributes, { DEBUG: 0, ...TD_ATTRIBUTES })}`),
        row('XFAM', `${report.xfam}: ${bitNames(report.xfam, FEATURES)}`),
      ],
    },
  ]
}

const known = (name: string, hex: string | undefined): readonly Row[] => (hex === undefined ? [] : [hexRow(name, hex)])

function platformRows({ pck, pckId }: IntelClaims): readonly Row[] {
  if (pck !== undefined)
    return [
      hexRow('PPID', pck.ppid),
      row('FMSPC', pck.fmspc),
      row('PCE id', pck.pceId),
      row('SGX type', pck.sgxType),
      row('TCB components', pck.components.join(' ')),
      row('PCE SVN', pck.pceSvn),
    ]
  if (pckId === undefined) return []
  return [
    row('PCK certificate', 'not in the quote, which names it:'),
    ...known('PPID', pckId.ppid),
    ...known('encrypted PPID', pckId.encryptedPpid),
    hexRow('CPUSVN', pckId.cpuSvn),
    row('PCE SVN', pckId.pceSvn),
    ...known('PCE id', pckId.pceId),
  ]
}

const moduleRows = (report: TdReport): readonly Row[] => [
  hexRow('TEE_TCB_SVN', report.teeTcbSvn),
  ...(report.teeTcbSvn2 === undefined ? [] : [hexRow('TEE_TCB_SVN_2', report.teeTcbSvn2)]),
  hexRow('MRSEAM', report.mrSeam),
  hexRow('MRSIGNERSEAM', report.mrSignerSeam),
  hexRow('SEAM attributes', report.seamAttributes),
]

/** Bits are numbered from the first byte's lowest. */
const hasBit = (hex: string, bit: number): boolean => (((hexToBytes(hex)[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1

function bitNames(hex: string, names: Readonly<Record<string, number>>): string {
  const known = new Map(Object.entries(names).map(([name, bit]) => [bit, name]))
  const set = Array.from({ length: 4 * hex.length }, (_, bit) => bit).filter((bit) => hasBit(hex, bit))
  return set.map((bit) => known.get(bit) ?? `bit ${bit}`).join(', ') || 'none'
}

/** Header and body of a quote that as a whole can not be read. */
function partial(evidence: Uint8Array, reason: string): View {
  const c = new Cursor(evidence, 'quote')
  const rows: Row[] = []
  const sections: Section[] = [{ title: 'quote, as far as it can be read', rows }]
  let vendor = 'Intel'
  try {
    const version = c.u16('version')
    const key = c.u16('attestationKeyType')
    const tee = c.u32('teeType')
    vendor = tee === 0x81 ? 'Intel TDX' : tee === 0 ? 'Intel SGX' : 'Intel'
    rows.push(row('version', version), row('TEE', `0x${tee.toString(16).padStart(2, '0')}`))
    rows.push(row('attestation key', key === 2 ? 'ECDSA with P-256' : key === 3 ? 'ECDSA with P-384' : `type ${key}`))
    c.take(4, 'svn')
    rows.push(hexRow('QE vendor', c.hex(16, 'qeVendorId')), hexRow('user data', bytesToHex(c.take(20, 'userData'))))
    const type = version === 5 ? c.u16('bodyType') : tee === 0x81 ? 2 : 1
    if (version === 5) c.take(4, 'bodySize')
    if (type === 1) sections.push(...enclaveSections(readSgxReport(c)))
    const kind = ({ 2: '1.0', 3: '1.5', 4: '1.5ex' } as const)[type]
    if (kind !== undefined) sections.push(...domainSections(readTdReport(c, kind)))
  } catch {
    // It ends there, or has other bytes where zeros belong; `reason` says what the whole lacks.
  }
  return {
    vendor,
    sections,
    held: [],
    wrong: [reason],
    open: ['signatures and certificates: what can not be read as a whole is not verified'],
  }
}
