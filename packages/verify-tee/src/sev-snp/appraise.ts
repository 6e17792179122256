import type { Ledger } from '../ledger.ts'
import type { SevSnpCheck } from './checks.ts'
import { type FirmwareVersion, hexOfTcb, type Report, TCB_FIELDS } from './parse.ts'
import type { SevSnpAppraisal } from './policy.ts'
import { notAbove, type Product, type TcbComponent, tcbComponents } from './product.ts'
import type { Vek } from './vek.ts'

const COMPONENTS = ['fmc', 'bootloader', 'tee', 'snp', 'microcode'] as const satisfies readonly TcbComponent[]

/** Every check is made, so that a reader sees all that a policy holds against a guest. */
export function appraise(ledger: Ledger<SevSnpCheck>, report: Report, vek: Vek, policy: SevSnpAppraisal): void {
  ledger.note('allowed-product', policy.products.includes(vek.product), vek.product)
  const { cspIds } = policy
  const given = vek.cspId === undefined || cspIds === undefined || cspIds.includes(vek.cspId)
  const holder = vek.cspId === undefined ? vek.kind : `${vek.kind} of ${JSON.stringify(vek.cspId)}`
  ledger.note('allowed-key', policy.keys.includes(vek.kind) && given, holder)
  const masked = isMasked(report)
  ledger.note('masked-chip-id', !masked || policy.allowMaskedChipId, masked ? 'masked' : report.chipId)
  const { debug } = report.policy
  if (policy.allowDebug) ledger.skip('debug', `the policy allows debugging${debug ? '; it can be debugged' : ''}`)
  else ledger.note('debug', !debug, 'can be debugged')
  holds(ledger, 'guest-policy', guestPolicyFaults(report, policy))
  ledger.note('vmpl', policy.vmpls.includes(report.vmpl), `level ${report.vmpl}`)
  holds(ledger, 'platform-info', platformFaults(report, policy))
  if (policy.minimumTcb === 'any') ledger.skip('minimum-tcb', 'the policy allows any TCB version')
  else holds(ledger, 'minimum-tcb', tcbFaults(report, vek.product, policy.minimumTcb))
  uncommitted(ledger, report, policy)
  firmware(ledger, report, policy)
  mitigations(ledger, report, policy)
  if (policy.measurements === 'any') ledger.skip('measurement', 'the policy allows any measurement')
  else ledger.note('measurement', policy.measurements.includes(report.measurement), report.measurement)
  listed(ledger, 'host-data', policy.hostData, report.hostData)
  listed(ledger, 'id-key', policy.idKeyDigests, report.idKeyDigest)
  const author = report.authorKeyEnabled ? report.authorKeyDigest : 'none'
  listed(ledger, 'author-key', policy.authorKeyDigests, author)
  identity(ledger, report, policy)
}

export const isMasked = (report: Report): boolean => /^0+$/.test(report.chipId)

function holds(ledger: Ledger<SevSnpCheck>, id: SevSnpCheck, faults: readonly string[]): void {
  ledger.note(id, faults.length === 0, faults.length === 0 ? undefined : faults.join('; '))
}

function listed(
  ledger: Ledger<SevSnpCheck>,
  id: SevSnpCheck,
  allowed: readonly string[] | undefined,
  value: string,
): void {
  if (allowed === undefined) ledger.skip(id, 'the policy does not ask')
  else ledger.note(id, allowed.includes(value), value)
}

function guestPolicyFaults({ policy }: Report, { guestPolicy: asked }: SevSnpAppraisal): string[] {
  const faults: string[] = []
  for (const bit of ['migrateMa', 'smt', 'cxl'] as const)
    if (policy[bit] && asked[bit] === 'refused') faults.push(`${bit} is on`)
  for (const bit of [
    'singleSocket',
    'memAes256Xts',
    'raplDisabled',
    'ciphertextHidingDram',
    'pageSwapDisabled',
  ] as const)
    if (!policy[bit] && asked[bit] === 'required') faults.push(`${bit} is off`)
  const { minimumAbi: abi } = asked
  if (abi !== undefined && (policy.abiMajor - abi.major || policy.abiMinor - abi.minor) < 0)
    faults.push(`ABI ${policy.abiMajor}.${policy.abiMinor}`)
  return faults
}

function platformFaults({ platformInfo: info }: Report, { platformInfo: asked }: SevSnpAppraisal): string[] {
  const faults: string[] = []
  for (const bit of ['smt', 'tio'] as const) if (info[bit] && asked[bit] === 'refused') faults.push(`${bit} is on`)
  for (const bit of [
    'tsme',
    'ecc',
    'raplDisabled',
    'ciphertextHidingDram',
    'aliasCheckComplete',
    'iommuWriteSafe',
  ] as const)
    if (!info[bit] && asked[bit] === 'required') faults.push(`${bit} is off`)
  if (info.unknown !== '0' && asked.unknown === 'refused') faults.push(`unknown bits ${info.unknown}`)
  return faults
}

function tcbFaults(
  report: Report,
  product: Product,
  asked: Exclude<SevSnpAppraisal['minimumTcb'], 'any'>,
): readonly string[] {
  const minimums = asked[product]
  if (minimums === undefined) return [`the policy names no minimum for ${product}`]
  const faults: string[] = []
  for (const field of TCB_FIELDS) {
    const minimum: Readonly<Partial<Record<TcbComponent, number | undefined>>> = minimums[field] ?? {}
    const found = tcbComponents(report.tcb[field], product)
    for (const part of COMPONENTS) {
      const [least, got] = [minimum[part] ?? 0, found[part] ?? 0]
      if (got < least) faults.push(`${field} ${part} ${got}, at least ${least}`)
    }
  }
  return faults
}

function uncommitted(ledger: Ledger<SevSnpCheck>, { tcb }: Report, policy: SevSnpAppraisal): void {
  if (policy.allowUncommittedTcb) ledger.skip('committed-tcb', 'the policy allows what is not committed')
  else ledger.note('committed-tcb', notAbove(tcb.reported, tcb.committed), `committed ${hexOfTcb(tcb.committed)}`)
}

function firmware(ledger: Ledger<SevSnpCheck>, report: Report, policy: SevSnpAppraisal): void {
  const { minimumFirmware: least } = policy
  if (least === undefined) ledger.skip('minimum-firmware', 'the policy does not ask')
  else ledger.note('minimum-firmware', compare(report.committed, least) >= 0, text(report.committed))
}

/** Negative when `a` is the older. */
export const compare = (a: FirmwareVersion, b: FirmwareVersion): number =>
  a.major - b.major || a.minor - b.minor || a.build - b.build
export const text = (v: FirmwareVersion): string => `${v.major}.${v.minor}.${v.build}`

function mitigations(ledger: Ledger<SevSnpCheck>, report: Report, { mitigations: asked }: SevSnpAppraisal): void {
  if (asked === undefined) ledger.skip('mitigations', 'the policy does not ask')
  else holds(ledger, 'mitigations', mitigationFaults(report, asked))
}

function mitigationFaults(
  { version, mitigation }: Report,
  asked: Exclude<SevSnpAppraisal['mitigations'], undefined>,
): readonly string[] {
  if (mitigation === undefined) return [`reports of version ${version} name none`]
  const lacks = (['launch', 'current'] as const).filter((when) => {
    const bits = BigInt(`0x${asked[when] ?? '0'}`)
    return (BigInt(`0x${mitigation[when]}`) & bits) !== bits
  })
  return lacks.map((when) => `${when} ${mitigation[when]}`)
}

function identity(ledger: Ledger<SevSnpCheck>, report: Report, policy: SevSnpAppraisal): void {
  const { familyIds, imageIds, minimumGuestSvn } = policy
  if (familyIds === undefined && imageIds === undefined && minimumGuestSvn === undefined)
    ledger.skip('guest-identity', 'the policy does not ask')
  else holds(ledger, 'guest-identity', identityFaults(report, policy))
}

function identityFaults(report: Report, { familyIds, imageIds, minimumGuestSvn }: SevSnpAppraisal): readonly string[] {
  const faults: string[] = []
  if (familyIds !== undefined && !familyIds.includes(report.familyId)) faults.push(`family ${report.familyId}`)
  if (imageIds !== undefined && !imageIds.includes(report.imageId)) faults.push(`image ${report.imageId}`)
  if (report.guestSvn < (minimumGuestSvn ?? 0)) faults.push(`security version ${report.guestSvn}`)
  return faults
}
