import { createHash } from 'node:crypto'
import {
  algorithmIdentifier,
  bitString,
  integer,
  type Key,
  nameOf,
  octets,
  oid,
  publicKeyOf,
  sequence,
  signWith,
  tlv,
} from '../pki/authority.fixture.ts'
import { type DeviceKind, GPU, issuerAt, NOW, type Place } from './devices.fixture.ts'

const time = (seconds: bigint): Uint8Array =>
  tlv(0x18, new TextEncoder().encode(`${new Date(Number(seconds) * 1000).toISOString().replace(/[-:T]|\.000Z/g, '')}Z`))

export const HASH_OIDS = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  md5: '1.2.840.113549.2.5',
} as const

export const GOOD = tlv(0x80)
export const UNKNOWN = tlv(0x82)
/** Held: certificateHold is reason 6. */
export const HELD = tlv(0xa1, time(NOW - 100n), tlv(0xa0, tlv(0x0a, Uint8Array.of(6))))

export interface OcspParts {
  readonly subjectSerial: bigint
  readonly issuer: Place
  readonly kind?: DeviceKind
  readonly hash?: keyof typeof HASH_OIDS
  readonly status?: Uint8Array
  readonly thisUpdate?: bigint
  readonly nextUpdate?: bigint | null
  /** Who answers; the issuer where it is left away. */
  readonly signer?: { readonly subject: string; readonly key: Key; readonly certificates?: readonly Uint8Array[] }
  readonly byKey?: boolean
  /** Of the answer and of its single one. */
  readonly extensions?: Uint8Array
  readonly singleExtensions?: Uint8Array
  /** Beside the honest one. */
  readonly singles?: (single: Uint8Array) => readonly Uint8Array[]
  readonly outerStatus?: number
  readonly responseType?: string
  readonly signature?: (signature: Uint8Array) => Uint8Array
}

/** An OCSP answer (RFC 6960), signed by node:crypto. */
export function makeOcsp(parts: OcspParts): Uint8Array {
  const { hash = 'sha384', kind = GPU, nextUpdate = NOW + 1000n } = parts
  const issuer = issuerAt(parts.issuer, kind)
  const signer = parts.signer ?? issuer
  const point = (key: Key): Uint8Array => {
    const own = publicKeyOf(key)
    if (own.type !== 'ec') throw new Error('no EC key')
    return own.point
  }
  const digest = (name: string, bytes: Uint8Array) => octets(new Uint8Array(createHash(name).update(bytes).digest()))
  const single = sequence(
    sequence(
      sequence(oid(HASH_OIDS[hash]), tlv(0x05)),
      digest(hash, nameOf(issuer.subject)),
      digest(hash, point(issuer.key)),
      integer(parts.subjectSerial),
    ),
    parts.status ?? GOOD,
    time(parts.thisUpdate ?? NOW - 1000n),
    ...(nextUpdate === null ? [] : [tlv(0xa0, time(nextUpdate))]),
    ...(parts.singleExtensions === undefined ? [] : [tlv(0xa1, sequence(parts.singleExtensions))]),
  )
  const data = sequence(
    parts.byKey === true ? tlv(0xa2, digest('sha1', point(signer.key))) : tlv(0xa1, nameOf(signer.subject)),
    time(NOW - 500n),
    sequence(...(parts.singles?.(single) ?? [single])),
    ...(parts.extensions === undefined ? [] : [tlv(0xa1, sequence(parts.extensions))]),
  )
  const signature = signWith(signer.key, data, 'der')
  const certificates = parts.signer?.certificates ?? []
  const basic = sequence(
    data,
    algorithmIdentifier(signer.key.algorithm),
    bitString(parts.signature?.(signature) ?? signature),
    ...(certificates.length === 0 ? [] : [tlv(0xa0, sequence(...certificates))]),
  )
  return sequence(
    tlv(0x0a, Uint8Array.of(parts.outerStatus ?? 0)),
    tlv(0xa0, sequence(oid(parts.responseType ?? '1.3.6.1.5.5.7.48.1.1'), octets(basic))),
  )
}
