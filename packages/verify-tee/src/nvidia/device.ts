import { bytesToHex } from '@noble/hashes/utils.js'
import { isZero } from '../bytes.ts'
import { malformed, Refusal } from '../ledger.ts'
import {
  type Certificate,
  children,
  commonName,
  type Der,
  derOctets,
  derOid,
  parseCertificate,
  parseDer,
  parsePem,
} from '../pki/index.ts'

export const MAX_CHAIN = 6
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
/** DMTF DSP0274: `vendor:product:serial` of a device, as another name. */
const DEVICE_INFO = '1.3.6.1.4.1.412.274.1'
/** TCG DICE: the identity of a device, with a firmware id (Hopper, LS10); or what its TCB is, with several (Blackwell). */
const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
const TCB_INFO = '2.23.133.5.4.1.1'
const SHA384 = '2.16.840.1.101.3.4.2.2'
const SHA384_BYTES = 48

/** What a device's certificates say of it. */
export interface Device {
  /** Leaf first; the root last, where it was given. */
  readonly chain: readonly Certificate[]
  readonly hwModel: string
  /** `GH100`, `GB100`, `LS_10`. */
  readonly product: string
  readonly kind: 'gpu' | 'switch'
  /** Per-device identifier: the serial number in the certificate's alternative name, lower case. */
  readonly pdi: string
  readonly firmwareIds: readonly string[]
}

export function parseDevice(pem: string, name: string): Device {
  const chain = parsePem(pem, name, { maxCertificates: MAX_CHAIN }).map((der, i) =>
    parseCertificate(der, `${name}.${i}`),
  )
  const [leaf, identity] = chain
  if (leaf === undefined || identity === undefined)
    throw malformed(name, `2 to ${MAX_CHAIN} certificates`, `${chain.length}`)
  const hwModel = commonName(identity.subject)
  if (hwModel === undefined || !/^[\x20-\x7e]{1,64}$/.test(hwModel))
    throw malformed(
      `${name}.1.subject`,
      'a common name of visible characters',
      hwModel === undefined ? 'none' : 'others',
    )
  const { product, serial } = deviceInfo(leaf, `${name}.0.subjectAltName`)
  return {
    chain,
    hwModel,
    product,
    kind: kindOf(product, `${name}.0.subjectAltName`),
    pdi: serial.toLowerCase(),
    firmwareIds: firmwareIds(leaf, `${name}.0.firmwareId`),
  }
}

/** NVIDIA's network cards measure themselves under a root of its own too. */
function kindOf(product: string, name: string): Device['kind'] {
  if (/^LS_?\d/.test(product)) return 'switch'
  if (/^G[A-Z]\d/.test(product)) return 'gpu'
  throw new Refusal('certificate-chain', 'VS_TEE_UNSUPPORTED', `${name}: expected a GPU or a switch, got ${product}`)
}

function deviceInfo(leaf: Certificate, name: string): { readonly product: string; readonly serial: string } {
  const extension = leaf.extensions.get(SUBJECT_ALTERNATIVE_NAME)
  if (extension === undefined) throw malformed(name, 'the name of a device', 'nothing')
  for (const entry of children(parseDer(extension.value, name), name)) {
    if (entry.tag !== 0xa0) continue
    const [type, explicit] = children(entry, name, 0xa0)
    if (type === undefined || explicit === undefined || derOid(type, name) !== DEVICE_INFO) continue
    const [value, ...more] = children(explicit, name, 0xa0)
    const text = value === undefined || more.length > 0 ? '' : new TextDecoder('latin1').decode(value.content)
    const match = /^NVIDIA:([A-Z0-9_]{1,16}):([0-9A-Fa-f]{1,64})$/.exec(text)
    if (match === null) throw malformed(name, 'NVIDIA:product:serial', 'other text')
    return { product: match[1] ?? '', serial: match[2] ?? '' }
  }
  throw malformed(name, 'the name of a device', 'other names')
}

/** The firmware ids, SHA-384, of those parts that are measured; none where the certificate has no such extension. */
function firmwareIds(leaf: Certificate, name: string): readonly string[] {
  const composite = leaf.extensions.get(COMPOSITE_DEVICE_ID)
  const tcb = leaf.extensions.get(TCB_INFO)
  const found: Der[] = []
  if (composite !== undefined) {
    const [version, key, id, ...more] = children(parseDer(composite.value, name), name)
    if (version === undefined || key === undefined || id === undefined || more.length > 0)
      throw malformed(name, 'version, key and firmware id', 'others')
    found.push(id)
  }
  if (tcb !== undefined)
    for (const field of children(parseDer(tcb.value, name), name))
      if (field.tag === 0xa6) found.push(...children(field, name, 0xa6))
  return found.flatMap((id) => {
    const [algorithm, digest, ...more] = children(id, name)
    if (algorithm === undefined || digest === undefined || more.length > 0)
      throw malformed(name, 'an algorithm and a digest', 'others')
    const oid = derOid(algorithm, name)
    const bytes = derOctets(digest, name)
    if (oid !== SHA384 || bytes.length !== SHA384_BYTES)
      throw malformed(name, 'a digest by SHA-384', `${bytes.length} bytes by ${oid}`)
    return isZero(bytes) ? [] : [bytesToHex(bytes)]
  })
}
