import { ask, baseOf, DAY, type FetchOptions, keep, kept, unanswered } from '../answers.ts'
import { equalBytes } from '../bytes.ts'
import { fail } from '../errors.ts'
import { inspected } from '../inspection.ts'
import { malformed, Refusal } from '../ledger.ts'
import { evidenceOf } from '../options.ts'
import { MAX_ENCODED, parseCertificate, parseCrl, parsePem } from '../pki/index.ts'
import { invalidOption, shown } from '../policy/index.ts'
import { chooseVek, type SevSnpCollateral } from './collateral.ts'
import { certificateTable, type Evidence, parseEvidence } from './parse.ts'
import { HWID_BYTES, PRODUCTS, type Product, type TcbComponents, tcbComponents } from './product.ts'
import { readVek } from './vek.ts'

/** AMD's key distribution service. */
export const AMD_KDS = 'https://kdsintf.amd.com'

export interface FetchSevSnpOptions extends FetchOptions {
  /** For reports of version 2, which do not say what they run on, and carry no certificate that does. */
  readonly product?: Product
}

/**
 * What a report needs to be judged and does not carry itself. Nothing of it is believed here; `verifySevSnp` judges it.
 * Throws `VS_TEE_FETCH` when the service does not answer with it, or can not: it hands out no VLEK, and no VCEK of a chip
 * that the report masks. Throws `VS_TEE_MALFORMED` for evidence that can not be read.
 */
export async function fetchSevSnpCollateral(
  evidence: Uint8Array,
  options: FetchSevSnpOptions,
): Promise<SevSnpCollateral> {
  const { parsed, table } = read(evidence)
  const { report } = parsed
  const kind = report.signingKey
  if (kind !== 'vcek' && kind !== 'vlek')
    throw fail('VS_TEE_MALFORMED', {
      details: { vendor: VENDOR, reason: `signed with a VCEK or VLEK expected, got ${kind}` },
    })
  const carried = inspected(VENDOR, () => chooseVek({}, table, kind)?.product)
  const product = report.product ?? carried ?? options.product
  if (product === undefined || !PRODUCTS.includes(product))
    throw invalidOption(
      'product',
      `one of ${PRODUCTS.join(', ')}, for a report that does not name it`,
      shown(options.product),
    )
  const base = `${baseOf(options.baseUrl, AMD_KDS)}/${kind}/v1/${product}`
  return {
    // What the evidence has needs no saying again.
    ...(carried === undefined
      ? { vek: await get(vekUrl(base, parsed, product), options, certificateOf(parsed, product), 30n * DAY) }
      : {}),
    ...(table.ask === undefined ? { issuer: await get(`${base}/cert_chain`, options, chain, DAY) } : {}),
    crl: await get(`${base}/crl`, options, list, DAY),
  }
}

/** Until when it holds, by its own dates. Throws a refusal for what is something else. */
type Reader = (bytes: Uint8Array) => bigint
/** That of this chip at this TCB version: another one, kept, would have all verdicts on it rejected for years. */
const certificateOf =
  ({ report }: Evidence, product: Product): Reader =>
  (bytes) => {
    const vek = readVek(parseCertificate(bytes, 'vek'))
    const { reported } = report.tcb
    if (vek.product !== product || vek.hwid?.padEnd(128, '0') !== report.chipId || !equalBytes(vek.tcb, reported))
      throw malformed('vek', 'the certificate of this chip at this TCB version', 'another')
    return vek.certificate.notAfter
  }
const list: Reader = (bytes) => parseCrl(bytes, 'crl').nextUpdate
const chain: Reader = (bytes) => {
  const text = new TextDecoder('latin1').decode(bytes)
  const ends = parsePem(text, 'chain', { maxCertificates: 2 }).map((der) => parseCertificate(der, 'chain').notAfter)
  const [first] = ends.toSorted((a, b) => Number(a - b))
  if (first === undefined) throw malformed('chain', 'certificates', 'none')
  return first
}

const VENDOR = 'amd-sev-snp'

const read = (evidence: Uint8Array) =>
  inspected(VENDOR, () => {
    const parsed = parseEvidence(evidenceOf(evidence))
    return { parsed, table: certificateTable(parsed) }
  })

/** Where the certificate of the key lies that signs on this chip at this TCB version (57230). */
function vekUrl(base: string, { report }: Evidence, product: Product): string {
  if (report.signingKey === 'vlek') throw unanswered(base, 'VLEKs are handed to cloud providers alone: ask yours')
  if (/^0+$/.test(report.chipId)) throw unanswered(base, 'the report masks its chip')
  const hwid = report.chipId.slice(0, 2 * HWID_BYTES[product])
  const tcb: TcbComponents = tcbComponents(report.tcb.reported, product)
  const levels = {
    ...(tcb.fmc === undefined ? {} : { fmcSPL: tcb.fmc }),
    blSPL: tcb.bootloader,
    teeSPL: tcb.tee,
    snpSPL: tcb.snp,
    ucodeSPL: tcb.microcode,
  }
  const query = Object.entries(levels).map(([name, level]) => `${name}=${`${level}`.padStart(2, '0')}`)
  return `${base}/${hwid}?${query.join('&')}`
}

/** From the cache or the service; kept only if `reader` can read it. */
async function get(url: string, options: FetchSevSnpOptions, reader: Reader, maxAge?: bigint): Promise<Uint8Array> {
  const { signal, cache, now } = options
  signal?.throwIfAborted()
  const before = usable(await kept(cache, url, now, maxAge), now, reader)
  if (before !== undefined) return before
  const { bytes } = await ask(url, options, MAX_ENCODED)
  if (until(bytes, reader) === undefined)
    throw unanswered(url, 'an answer that can not be read, or is about something else')
  await keep(cache, url, bytes, now)
  return bytes
}

const usable = (bytes: Uint8Array | undefined, now: bigint, reader: Reader): Uint8Array | undefined =>
  bytes !== undefined && now <= (until(bytes, reader) ?? -1n) ? bytes : undefined

/** Absent for what can not be read. */
function until(bytes: Uint8Array, reader: Reader): bigint | undefined {
  try {
    return reader(bytes)
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}
