import { bytesToHex } from '@noble/hashes/utils.js'
import { isZero } from '../bytes.ts'
import { type Certificate, commonName } from '../pki/index.ts'
import type { NitroDocument } from './parse.ts'

/** What an attestation document says. Bytes are lower-case hexadecimal. */
export interface NitroClaims {
  /** `<instance>-enc<enclave>`, visible ASCII. */
  readonly moduleId: string
  /** The EC2 instance, `i-…`, where the module id has the usual form. */
  readonly instanceId?: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly digest: 'SHA384'
  /** By index, 48 bytes each. */
  readonly pcrs: Readonly<Record<string, string>>
  /** PCR0 is zero, or not there. */
  readonly debug: boolean
  readonly publicKey?: string
  readonly userData?: string
  readonly nonce?: string
  /** Leaf first, root last. */
  readonly chain: readonly NitroCertificate[]
}

export interface NitroCertificate {
  readonly subject: string
  readonly serial: string
  /** Unix seconds. */
  readonly notBefore: number
  readonly notAfter: number
}

const MODULE_ID = /^(i-(?:[0-9a-f]{8}|[0-9a-f]{17}))-enc[0-9a-f]{16}$/

export function nitroClaims(document: NitroDocument, chain: readonly Certificate[]): NitroClaims {
  const instanceId = MODULE_ID.exec(document.moduleId)?.[1]
  const { publicKey, userData, nonce } = document
  const pcr0 = document.pcrs.get(0)
  const ordered = [...document.pcrs].sort(([a], [b]) => a - b)
  return {
    moduleId: document.moduleId,
    ...(instanceId === undefined ? {} : { instanceId }),
    timestamp: document.timestamp,
    digest: 'SHA384',
    pcrs: Object.fromEntries(ordered.map(([index, value]) => [String(index), bytesToHex(value)])),
    debug: pcr0 === undefined || isZero(pcr0),
    ...(publicKey === undefined ? {} : { publicKey: bytesToHex(publicKey) }),
    ...(userData === undefined ? {} : { userData: bytesToHex(userData) }),
    ...(nonce === undefined ? {} : { nonce: bytesToHex(nonce) }),
    chain: chain.map((certificate) => ({
      subject: (commonName(certificate.subject) ?? '').replace(/[^\x20-\x7e]/g, '?'),
      serial: certificate.serial,
      notBefore: Number(certificate.notBefore),
      notAfter: Number(certificate.notAfter),
    })),
  }
}
