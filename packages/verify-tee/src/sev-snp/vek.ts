import { bytesToHex } from '@noble/hashes/utils.js'
import { malformed } from '../ledger.ts'
import { type Certificate, commonName, type Der, derOctets, derSmall, parseDer, TAG } from '../pki/index.ts'
import { HWID_BYTES, PRODUCTS, type Product, TCB_LAYOUT } from './product.ts'

const AMD = '1.3.6.1.4.1.3704.1'

/** A versioned chip (VCEK) or loaded (VLEK) endorsement key's certificate, read as 57230 writes it. */
export interface Vek {
  readonly certificate: Certificate
  readonly kind: 'vcek' | 'vlek'
  /** By its issuer's name: which root it has to lead to. */
  readonly product: Product
  /** As the extension says it, with a stepping in most: `Milan-B0`. */
  readonly productName: string
  /** The TCB_VERSION that the key is derived from, byte by byte as in a report. */
  readonly tcb: Uint8Array
  /** Lower-case hexadecimal; VCEK alone. */
  readonly hwid?: string
  /** Whom the key was given to; VLEK alone. */
  readonly cspId?: string
}

/** Throws a refusal where it is no such certificate. */
export function readVek(certificate: Certificate): Vek {
  const subject = commonName(certificate.subject)
  const kind = subject === 'SEV-VCEK' ? 'vcek' : subject === 'SEV-VLEK' ? 'vlek' : undefined
  if (kind === undefined) throw malformed('vek.subject', 'SEV-VCEK or SEV-VLEK', JSON.stringify(subject))
  if (certificate.key.type !== 'ec' || certificate.key.curve !== 'P-384')
    throw malformed('vek.key', 'P-384', 'another key')
  if (certificate.algorithm !== 'rsa-pss-sha384') throw malformed('vek.algorithm', 'RSASSA-PSS', certificate.algorithm)
  const issuer = commonName(certificate.issuer)
  const product = PRODUCTS.find((name) => issuer === issuerName(kind, name))
  if (product === undefined)
    throw malformed('vek.issuer', `the issuer of a ${kind.toUpperCase()}`, JSON.stringify(issuer))
  const extension = (arc: string): Uint8Array | undefined => certificate.extensions.get(`${AMD}.${arc}`)?.value
  const needed = (arc: string): Der => {
    const value = extension(arc)
    if (value === undefined) throw malformed('vek', `the extension ${AMD}.${arc}`, 'none')
    return parseDer(value, `vek.${AMD}.${arc}`)
  }
  const structure = derSmall(needed('1'), 'vek.structVersion', 255)
  if (structure > 1) throw malformed('vek.structVersion', '0 or 1', `${structure}`)
  const productName = ia5(needed('2'), 'vek.productName')
  const tcb = Uint8Array.from(TCB_LAYOUT[product].arcs, (arc) => derSmall(needed(`3.${arc}`), `vek.spl${arc}`, 255))
  const hwid = extension('4')
  const csp = extension('5')
  if (kind === 'vcek') {
    if (hwid === undefined || csp !== undefined) throw malformed('vek', 'a hardware id and no CSP_ID', 'otherwise')
    return { certificate, kind, product, productName, tcb, hwid: readHwid(hwid, HWID_BYTES[product]) }
  }
  if (hwid !== undefined || csp === undefined) throw malformed('vek', 'a CSP_ID and no hardware id', 'otherwise')
  return { certificate, kind, product, productName, tcb, cspId: ia5(parseDer(csp, 'vek.cspId'), 'vek.cspId') }
}

export const issuerName = (kind: 'vcek' | 'vlek', product: Product): string =>
  kind === 'vcek' ? `SEV-${product}` : `SEV-VLEK-${product}`

/** Zen 4c has Genoa's root, under names of its own. */
const NAMES = { Milan: 'Milan', Genoa: 'Genoa|Bergamo|Siena', Turin: 'Turin' } as const satisfies Record<
  Product,
  string
>

/** Whether the name in a certificate is one of `product`; most have a stepping, some of Genoa's and Turin's have none. */
export const isNameOf = (name: string, product: Product): boolean =>
  new RegExp(`^(?:${NAMES[product]})(?:-[A-Z][0-9])?$`).test(name)

function ia5(value: Der, name: string): string {
  const text = new TextDecoder('latin1').decode(value.content)
  if (value.tag !== TAG.ia5 || !/^[\x20-\x7e]{1,256}$/.test(text))
    throw malformed(name, 'printable text', 'other bytes')
  return text
}

/** AMD writes the bytes bare, without the OCTET STRING that DER would have around them. */
function readHwid(value: Uint8Array, size: number): string {
  if (value.length === size) return bytesToHex(value)
  const inner = derOctets(parseDer(value, 'vek.hwid'), 'vek.hwid')
  if (inner.length !== size) throw malformed('vek.hwid', `${size} bytes`, `${inner.length}`)
  return bytesToHex(inner)
}
