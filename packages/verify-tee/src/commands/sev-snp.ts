import { bytesToHex } from '@noble/hashes/utils.js'
import { moment } from '../moment.ts'
import {
  inspectSevSnp,
  type SevSnpAppraisal,
  type SevSnpClaims,
  type SevSnpInspection,
  type SevSnpRelyingParty,
  sevSnpDefaults,
  type TcbVersion,
  verifySevSnp,
} from '../sev-snp/index.ts'
import { REPORT_BYTES } from '../sev-snp/parse.ts'
import { hexRow, type Row, row, type Section } from './print.ts'
import { fetchSevSnp, sevSnpCollateral } from './sev-snp-collateral.ts'
import { findings, judgedBy, latest, reasonOf, type VendorCommands, type View } from './vendor.ts'

const anything = {
  appraisal: { ...sevSnpDefaults, measurements: 'any', minimumTcb: 'any' } satisfies SevSnpAppraisal,
  relyingParty: { reportData: 'any', platforms: 'any' } satisfies SevSnpRelyingParty,
}

export const sevSnp: VendorCommands = {
  inspect,
  defaultPolicy: anything,
  collateral: sevSnpCollateral,
  fetch: fetchSevSnp,
  verify: judgedBy(verifySevSnp),
}

const VENDOR = 'AMD SEV-SNP'

async function inspect(evidence: Uint8Array, now: bigint | undefined): Promise<View> {
  let seen: SevSnpInspection
  try {
    seen = inspectSevSnp(evidence)
  } catch (error) {
    const sections = [{ title: 'report, as far as it can be read', rows: beginning(evidence) }]
    return { vendor: VENDOR, sections, held: [], wrong: [reasonOf(error)], open: [] }
  }
  const { claims, certificates, faults } = seen
  const begins = latest(certificates.flatMap(({ notBefore }) => notBefore ?? []))
  const at =
    now !== undefined
      ? { seconds: now, why: 'as asked' }
      : begins === undefined
        ? undefined
        : { seconds: begins, why: 'when the newest certificate in its table begins' }
  const appraisal = { ...anything.appraisal, revocation: 'optional' as const }
  const verdict = await verifySevSnp(evidence, { ...anything, appraisal, now: at?.seconds ?? 0n })
  const { held, wrong, open } = findings(verdict)
  const isTold = (fault: string): boolean => wrong.some((w) => w.includes(fault.replace(/^reserved: /, '')))
  return {
    vendor: VENDOR,
    sections: sectionsOf(seen),
    ...(at === undefined ? {} : { at }),
    held,
    wrong: [...wrong, ...faults.filter((f) => !isTold(f)), ...(wrong.length > 0 ? [] : weaknesses(claims))],
    open,
    claims,
  }
}

/** What `sevSnpDefaults` would refuse, whatever the certificates say. */
const weaknesses = ({ policy, vmpl, platformInfo }: SevSnpClaims): readonly string[] => [
  ...(policy.debug ? ['debug: the guest policy lets the host read its memory'] : []),
  ...(policy.migrateMa ? ['migration: the guest policy lets an agent move it'] : []),
  ...(vmpl > 0 ? [`VMPL ${vmpl}: asked for below the highest privilege level`] : []),
  ...(platformInfo.unknown === '0' ? [] : [`platform info: unknown bits ${platformInfo.unknown}`]),
]

const beginning = (evidence: Uint8Array): readonly Row[] => [
  row('bytes', `${evidence.length}; a report has ${REPORT_BYTES}`),
  row('version', evidence[0] ?? 'none'),
  ...(evidence.length >= 0xc0 ? [hexRow('measurement', bytesToHex(evidence.subarray(0x90, 0xc0)))] : []),
]

function sectionsOf({ claims, certificates }: SevSnpInspection): readonly Section[] {
  const { tcb, current, committed, cpuid, policy, platformInfo, mitigation } = claims
  const set = (flags: object): string =>
    Object.entries(flags)
      .flatMap(([name, value]) => (value === true ? [name] : []))
      .join(', ') || 'none set'
  const cpu =
    cpuid && `family 0x${cpuid.family.toString(16)}, model 0x${cpuid.model.toString(16)}, stepping ${cpuid.stepping}`
  return [
    {
      title: 'report',
      rows: [
        row('version', claims.version),
        row('product', claims.product ?? 'not said'),
        row('CPU', cpu ?? 'not said'),
        row('signing key', claims.signingKey),
        row('VMPL', claims.vmpl),
        row('guest SVN', claims.guestSvn),
        row('guest policy', `ABI ${policy.abiMajor}.${policy.abiMinor}; ${set(policy)}`),
        row('platform info', set(platformInfo)),
      ],
    },
    {
      title: 'measurements',
      rows: [
        hexRow('measurement', claims.measurement),
        hexRow('report data', claims.reportData),
        hexRow('host data', claims.hostData),
        hexRow('ID key digest', claims.idKeyDigest),
        hexRow('author key digest', claims.authorKeyDigest),
        hexRow('family id', claims.familyId),
        hexRow('image id', claims.imageId),
        hexRow('report id', claims.reportId),
        hexRow('report id MA', claims.reportIdMa),
      ],
    },
    {
      title: 'platform and TCB',
      rows: [
        hexRow('chip id', claims.chipId),
        ...(['reported', 'committed', 'current', 'launch'] as const).map((name) => row(name, version(tcb[name]))),
        row('firmware', `${text(current)}, committed ${text(committed)}`),
        ...(mitigation === undefined
          ? []
          : [row('mitigations', `launch ${mitigation.launch}, current ${mitigation.current}`)]),
      ],
    },
    {
      title: 'certificate table',
      rows: certificates.map(({ slot, subject, issuer, notBefore, notAfter }) =>
        row(slot.length > 16 ? 'unknown key' : slot, [
          ...(slot.length > 16 ? [slot] : []),
          ...(subject === undefined ? [] : [subject]),
          ...(issuer === undefined ? [] : [`issued by ${issuer}`]),
          ...(notBefore === undefined || notAfter === undefined ? [] : [`${moment(notBefore)} to ${moment(notAfter)}`]),
        ]),
      ),
    },
  ]
}

const text = ({ major, minor, build }: SevSnpClaims['current']): string => `${major}.${minor}.${build}`

function version({ raw, components }: TcbVersion): string {
  const parts = components && Object.entries(components).map(([name, svn]) => `${name} ${svn}`)
  return parts === undefined ? raw : `${raw}: ${parts.join(', ')}`
}
