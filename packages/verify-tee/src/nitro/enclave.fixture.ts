/*
 * Enclaves of our own for tests: documents as AWS's hypervisor writes them, under a root of our own, with every part open to
 * change.
 */
import { concatBytes } from '@noble/hashes/utils.js'
import { type CertificateParts, type Key, makeCertificate, makeKey, signWith } from '../pki/authority.fixture.ts'
import type { NitroOptions } from './index.ts'

/** CBOR that is already written. */
export class Raw {
  constructor(readonly bytes: Uint8Array) {}
}
export const raw = (...bytes: readonly number[]): Raw => new Raw(Uint8Array.from(bytes))

export type Value = number | null | string | Uint8Array | Raw | readonly Value[] | ReadonlyMap<Value, Value>

export function head(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument)
  const size = argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : argument < 2 ** 32 ? 4 : 8
  const out = new Uint8Array(9)
  new DataView(out.buffer).setBigUint64(1, BigInt(argument))
  out[8 - size] = (major << 5) | (24 + Math.log2(size))
  return out.subarray(8 - size)
}

/** RFC 8949, shortest forms, maps in the order given. */
export function cbor(value: Value): Uint8Array {
  if (value === null) return Uint8Array.of(0xf6)
  if (value instanceof Raw) return value.bytes
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (value instanceof Uint8Array) return concatBytes(head(2, value.length), value)
  if (typeof value === 'string') {
    const text = new TextEncoder().encode(value)
    return concatBytes(head(3, text.length), text)
  }
  if (value instanceof Map)
    return concatBytes(head(5, value.size), ...[...value].flatMap(([k, v]: [Value, Value]) => [cbor(k), cbor(v)]))
  const items = value as readonly Value[]
  return concatBytes(head(4, items.length), ...items.map(cbor))
}

const FOUR = ['root', 'region', 'zone', 'instance'] as const
export type Place = (typeof FOUR)[number] | 'leaf'

/** Keys are costly on slow machines: made once per test file. */
const keys = new Map<string, Key>()
const keyOf = (place: string): Key => {
  const key = keys.get(place) ?? makeKey('ecdsa-p384-sha384')
  keys.set(place, key)
  return key
}

/** For certificates by other issuers than the usual one. */
export const issuerAt = (place: Place) => ({ subject: place, key: keyOf(place) })

export const enclaveKey = (): Key => keyOf('leaf')

/** A certificate of the usual chain, with some parts changed. */
export function certificate(place: Place, change: Partial<CertificateParts> = {}): Uint8Array {
  const at = place === 'leaf' ? FOUR.length : FOUR.indexOf(place)
  const above = FOUR[at - 1]
  return makeCertificate({
    subject: place,
    key: keyOf(place),
    ...(above === undefined ? {} : { issuer: { subject: above, key: keyOf(above) } }),
    ...(place === 'leaf' ? {} : { ca: above === undefined ? {} : { pathLength: FOUR.length - 1 - at } }),
    serial: BigInt(at + 1),
    ...change,
  })
}

let root: Uint8Array | undefined
/** The same bytes each time: signatures are random. */
export const ourRoot = (): Uint8Array => {
  root ??= certificate('root')
  return root
}

export const TIMESTAMP = 1_750_000_000_123
export const PCR = (index: number): Uint8Array => new Uint8Array(48).fill(index + 1)
export const INSTANCE = 'i-0123456789abcdef0'

export function documentFields(): Map<string, Value> {
  return new Map<string, Value>([
    ['module_id', `${INSTANCE}-enc0123456789abcdef`],
    ['digest', 'SHA384'],
    ['timestamp', TIMESTAMP],
    ['pcrs', new Map<Value, Value>(Array.from({ length: 16 }, (_, i) => [i, PCR(i)]))],
    ['certificate', certificate('leaf')],
    ['cabundle', [ourRoot(), certificate('region'), certificate('zone'), certificate('instance')]],
    ['public_key', Uint8Array.of(1, 2, 3)],
    ['user_data', Uint8Array.of(4, 5)],
    ['nonce', Uint8Array.of(6)],
  ])
}

export interface EvidenceChange {
  readonly fields?: (fields: Map<string, Value>) => void
  readonly payload?: (payload: Uint8Array) => Uint8Array
  /** The content of the protected header. */
  readonly header?: Uint8Array
  readonly unprotected?: Value
  readonly key?: Key
  readonly signature?: (signature: Uint8Array) => Uint8Array
  readonly envelope?: (parts: Value[]) => Value
}

/** Honest evidence, but for what is changed; changes of the document are signed. */
export function makeEvidence(change: EvidenceChange = {}): Uint8Array {
  const fields = documentFields()
  change.fields?.(fields)
  const written = cbor(fields)
  const payload = change.payload?.(written) ?? written
  const header = change.header ?? Uint8Array.of(0xa1, 0x01, 0x38, 0x22)
  const signed = cbor(['Signature1', header, new Uint8Array(0), payload])
  const honest = signWith(change.key ?? enclaveKey(), signed)
  const parts: Value[] = [
    header,
    change.unprotected === undefined ? new Map() : change.unprotected,
    payload,
    change.signature?.(honest) ?? honest,
  ]
  return cbor(change.envelope?.(parts) ?? parts)
}

/** One field in place of the usual one. */
export const set =
  (name: string, value: Value): NonNullable<EvidenceChange['fields']> =>
  (fields) => {
    fields.set(name, value)
  }
export const withPcrs =
  (change: (pcrs: Map<Value, Value>) => void): NonNullable<EvidenceChange['fields']> =>
  (fields) => {
    const pcrs = new Map(fields.get('pcrs') as Map<Value, Value>)
    change(pcrs)
    fields.set('pcrs', pcrs)
  }

export const ourOptions = (): NitroOptions => ({
  appraisal: { pcrs: { 0: ['01'.repeat(48)], 2: ['ff'.repeat(48), '03'.repeat(48)] } },
  relyingParty: { maxAgeSeconds: 300, nonce: '06', publicKey: '010203', userData: '0405', platforms: [INSTANCE] },
  now: 1_750_000_010n,
  root: ourRoot(),
})
