import { bytesToHex } from '@noble/hashes/utils.js'
import { equalBytes } from '../bytes.ts'
import { Lack, type Ledger } from '../ledger.ts'
import { type Certificate, commonName, type SignatureBackend, verifyCrl, verifyPath } from '../pki/index.ts'
import type { NvidiaCheck } from './checks.ts'
import { type NvidiaCollateral, parseStatuses, type Statuses } from './collateral.ts'
import { type Device, MAX_CHAIN } from './device.ts'
import type { ReportedDevice } from './evidence.ts'
import { saidOf, statusBy } from './ocsp.ts'
import { driverVersion, OPAQUE, type SpdmReport, vbiosVersion } from './spdm.ts'

interface Means {
  readonly root: Certificate
  readonly now: bigint
  readonly backend: SignatureBackend
}

/** Whether devices of NVIDIA's signed these reports. `missing` tells which certificates' status nobody gave. */
export async function judgeReports(
  ledger: Ledger<NvidiaCheck>,
  devices: readonly ReportedDevice[],
  collateral: NvidiaCollateral,
  means: Means,
): Promise<{ readonly missing: readonly string[] }> {
  ledger.require('spdm-messages', true)
  const statuses = parseStatuses(collateral)
  // A device makes its own certificate anew for other firmware, with another serial number; this stays.
  const pdis = devices.flatMap(({ device }) => (device === undefined ? [] : [device.pdi]))
  const twice = pdis.find((pdi, i) => pdis.indexOf(pdi) !== i)
  ledger.require('distinct-devices', twice === undefined, twice === undefined ? undefined : `PDI ${twice} twice`)
  const missing = new Set<string>()
  for (const [i, { report, device, said }] of devices.entries()) {
    const name = `device ${i}`
    if (device === undefined) throw new Lack(`no certificate chain of ${name}`)
    const path = await chainOf(ledger, device, means, name)
    await signature(ledger, report, device, means, name)
    firmwareId(ledger, report, device, name)
    envelope(ledger, report, device, said, name)
    for (const each of await revocation(ledger, path, statuses, means, Math.max(LEAST_ANSWERS, devices.length)))
      missing.add(each)
  }
  return { missing: [...missing] }
}

/** The verified path, without the root where the chain has one. */
async function chainOf(
  ledger: Ledger<NvidiaCheck>,
  { chain }: Device,
  { root, now, backend }: Means,
  name: string,
): Promise<readonly Certificate[]> {
  const strange = chain.find(({ algorithm }) => algorithm !== 'ecdsa-p384-sha384')
  ledger.require('certificate-chain', strange === undefined, `${name}: signed with ${strange?.algorithm}`)
  const path = await verifyPath(chain, { at: now, backend, root, maxIntermediates: MAX_CHAIN - 1 })
  ledger.require(
    'certificate-chain',
    path.ok,
    path.ok ? undefined : `${name}: ${path.detail}`,
    path.ok ? undefined : path.code,
  )
  const last = chain.at(-1)
  return last !== undefined && equalBytes(last.subject, root.subject) ? chain.slice(0, -1) : chain
}

async function signature(
  ledger: Ledger<NvidiaCheck>,
  report: SpdmReport,
  { chain }: Device,
  { backend }: Means,
  name: string,
): Promise<void> {
  const [leaf] = chain
  const fit =
    leaf !== undefined &&
    leaf.ca === undefined &&
    leaf.keyUsage?.has('digitalSignature') === true &&
    leaf.key.type === 'ec' &&
    leaf.key.curve === 'P-384'
  ledger.require('signing-key', fit, `${name}: the certificate is not of a key for signatures`)
  const holds = fit && (await backend.verify('ecdsa-p384-sha384', leaf.key, report.signed, report.signature))
  ledger.require('report-signature', holds, `${name}: the signature is wrong`)
}

/** Reports without one (of switches, and of older drivers) say nothing that could differ. */
function firmwareId(ledger: Ledger<NvidiaCheck>, report: SpdmReport, { firmwareIds }: Device, name: string): void {
  const claimed = report.opaque.get(OPAQUE.firmwareId)
  if (claimed === undefined) ledger.skip('firmware-id', `the report of ${name} carries none`)
  else
    ledger.require(
      'firmware-id',
      firmwareIds.includes(bytesToHex(claimed)),
      `${name}: ${bytesToHex(claimed)}, the certificate has ${firmwareIds.join(', ') || 'none'}`,
    )
}

const ARCHITECTURES: Readonly<Record<string, RegExp>> = { HOPPER: /^GH1/, BLACKWELL: /^GB[12]/, LS10: /^LS_?10$/ }

/** Nobody signed it, so it proves nothing; where it differs, somebody mixed up two devices. */
function envelope(
  ledger: Ledger<NvidiaCheck>,
  report: SpdmReport,
  { product }: Device,
  said: ReportedDevice['said'],
  name: string,
): void {
  const { architecture, nonce } = said
  const known = architecture === undefined || Object.hasOwn(ARCHITECTURES, architecture)
  ledger.require('envelope', known, `${name}: architecture ${architecture}`, 'VS_TEE_UNSUPPORTED')
  if (architecture !== undefined)
    ledger.require(
      'envelope',
      ARCHITECTURES[architecture]?.test(product) === true,
      `${name}: ${architecture} is not ${product}`,
    )
  const pairs = [
    ['nonce', nonce, report.nonce],
    ['driver version', said.driverVersion, driverVersion(report, name)],
    ['VBIOS version', said.vbiosVersion?.toUpperCase(), vbiosVersion(report, name)],
  ] as const
  for (const [what, told, signed] of pairs)
    ledger.require('envelope', told === undefined || told === signed, `${name}: ${what} ${told}, signed is ${signed}`)
}

/** Answers about one certificate: one for each device that has it in its chain, where somebody put theirs together, or some. */
const LEAST_ANSWERS = 4

/** Of each certificate between the device's and the root: NVIDIA tells nothing of those that devices sign themselves. */
async function revocation(
  ledger: Ledger<NvidiaCheck>,
  path: readonly Certificate[],
  { crls, answers }: Statuses,
  { root, now, backend }: Means,
  most: number,
): Promise<readonly string[]> {
  const missing: string[] = []
  for (const [i, subject] of path.entries()) {
    if (i === 0) continue
    const issuer = path[i + 1] ?? root
    const who = commonName(subject.subject) ?? `certificate ${i}`
    let known = false
    for (const crl of crls) {
      if (!equalBytes(crl.issuer, issuer.subject)) continue
      const result = await verifyCrl(crl, issuer, now, backend)
      ledger.require('revocation', result.ok, result.ok ? undefined : result.detail)
      ledger.require('revocation', !crl.revoked.has(subject.serial), `${who} is revoked`, 'VS_TEE_REVOKED')
      known = true
    }
    const said = saidOf(answers, subject, issuer)
    ledger.require('revocation', said.length <= most, `${who}: ${said.length} answers, at most ${most}`)
    for (const each of said) {
      const status = await statusBy(each, issuer, now, backend)
      ledger.require('revocation', status.status !== 'bad', `${who}: ${status.status === 'bad' ? status.detail : ''}`)
      ledger.require('revocation', status.status === 'good', `${who} is revoked or held`, 'VS_TEE_REVOKED')
      known = true
    }
    if (!known) missing.push(who)
  }
  return missing
}
