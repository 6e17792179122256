import { bytesToHex } from '@noble/hashes/utils.js'
import { commonName } from '../pki/index.ts'
import type { Evidence, ReportedDevice } from './evidence.ts'
import { driverVersion, OPAQUE, vbiosVersion } from './spdm.ts'
import type { Bundle, DeviceStatement } from './tokens.ts'

/** What evidence says. Bytes are lower-case hexadecimal, times Unix seconds. */
export interface NvidiaClaims {
  /** Tokens of NVIDIA's Remote Attestation Service, or reports that the devices signed. */
  readonly kind: 'nras-tokens' | 'spdm-reports'
  /** Of the first of them; `one-nonce` says whether it is everybody's. */
  readonly nonce: string
  /** Of the overall token. */
  readonly token?: {
    readonly issuer: string
    readonly version: string
    readonly keyId: string
    readonly issuedAt: number
    readonly notBefore: number
    readonly expires: number
    readonly result: boolean
  }
  readonly devices: readonly NvidiaDevice[]
}

export interface NvidiaDevice {
  /** `GPU-0`, `SWITCH-1`: as the token has it, or by its place. `DEVICE-0`: a report without certificates. */
  readonly name: string
  readonly kind?: 'gpu' | 'switch'
  /** The serial number of the device's certificate; NRAS writes it in decimal, as `ueid`. */
  readonly platformId?: string
  readonly hwModel?: string
  readonly driverVersion?: string
  readonly vbiosVersion?: string
  /** In tokens: what NRAS found. */
  readonly nras?: {
    readonly measurements: string
    readonly secureBoot: boolean
    readonly debugStatus: string
    readonly warning?: string
    /** Claims that would have to be there and true, and are not. */
    readonly unproven: readonly string[]
  }
  /** In reports: what the device signed. */
  readonly report?: {
    /** By index. */
    readonly measurements: Readonly<Record<string, string>>
    /** By the name of the field, or its number where it is unknown. */
    readonly opaque: Readonly<Record<string, string>>
    readonly firmwareId?: string
  }
  /** The device's identifier (PDI) in its certificate. */
  readonly pdi?: string
  /** Leaf first. */
  readonly chain?: readonly NvidiaCertificate[]
}

export interface NvidiaCertificate {
  readonly subject: string
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
}

export const claimsOf = (evidence: Evidence): NvidiaClaims =>
  evidence.kind === 'tokens' ? claimsOfTokens(evidence.bundle) : claimsOfReports(evidence.devices)

function claimsOfTokens({ overall, devices }: Bundle): NvidiaClaims {
  const { issuer, version, issuedAt, notBefore, expires, result, nonce, token } = overall
  return {
    kind: 'nras-tokens',
    nonce,
    token: { issuer, version, keyId: token.keyId, issuedAt, notBefore, expires, result },
    devices: devices.map(ofStatement),
  }
}

function ofStatement(said: DeviceStatement): NvidiaDevice {
  const { name, kind, platformId, hwModel, driverVersion: driver, vbiosVersion: vbios, warning } = said
  return {
    name,
    kind,
    platformId,
    hwModel,
    ...(driver === undefined ? {} : { driverVersion: driver }),
    vbiosVersion: vbios,
    nras: {
      measurements: said.measurementResult,
      secureBoot: said.secureBoot,
      debugStatus: said.debugStatus,
      ...(warning === undefined ? {} : { warning }),
      unproven: said.unproven,
    },
  }
}

function claimsOfReports(devices: readonly ReportedDevice[]): NvidiaClaims {
  const counts = { gpu: 0, switch: 0, device: 0 }
  return {
    kind: 'spdm-reports',
    nonce: devices[0]?.report.nonce ?? '',
    devices: devices.map((each) => {
      const kind = each.device?.kind ?? 'device'
      const name = `${kind.toUpperCase()}-${counts[kind]}`
      counts[kind] += 1
      return ofReport(each, name)
    }),
  }
}

const NAMES = new Map<number, string>(Object.entries(OPAQUE).map(([name, type]) => [type, name]))

function ofReport({ report, device }: ReportedDevice, name: string): NvidiaDevice {
  const driver = driverVersion(report, name)
  const vbios = vbiosVersion(report, name)
  const firmwareId = report.opaque.get(OPAQUE.firmwareId)
  const leaf = device?.chain[0]
  return {
    name,
    ...(device === undefined || leaf === undefined
      ? {}
      : { kind: device.kind, platformId: leaf.serial, hwModel: device.hwModel, pdi: device.pdi }),
    ...(driver === undefined ? {} : { driverVersion: driver }),
    ...(vbios === undefined ? {} : { vbiosVersion: vbios }),
    report: {
      measurements: Object.fromEntries(
        [...report.measurements].sort(([a], [b]) => a - b).map(([index, { value }]) => [`${index}`, bytesToHex(value)]),
      ),
      opaque: Object.fromEntries(
        [...report.opaque].map(([type, value]) => [NAMES.get(type) ?? `${type}`, bytesToHex(value)]),
      ),
      ...(firmwareId === undefined ? {} : { firmwareId: bytesToHex(firmwareId) }),
    },
    ...(device === undefined
      ? {}
      : {
          chain: device.chain.map((certificate) => ({
            subject: (commonName(certificate.subject) ?? '').replace(/[^\x20-\x7e]/g, '?'),
            serial: certificate.serial,
            notBefore: Number(certificate.notBefore),
            notAfter: Number(certificate.notAfter),
          })),
        }),
  }
}
