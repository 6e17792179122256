import { isVeristackError } from '@veristack/core/receipt'
import { bodyOf, DAY, keep, kept } from '../answers.ts'
import type { CollateralCache } from '../disk-cache.ts'
import { fail } from '../errors.ts'
import { malformed, Refusal } from '../ledger.ts'
import { parseCertificate, parseCrl, parsePem } from '../pki/index.ts'
import { chooseVek, MAX_COLLATERAL_BYTES, type SevSnpCollateral } from './collateral.ts'
import { certificateTable, type Evidence, parseEvidence } from './parse.ts'
import { HWID_BYTES, PRODUCTS, type Product, type TcbComponents, tcbComponents } from './product.ts'

/** AMD's key distribution service. */
export const AMD_KDS = 'https://kdsintf.amd.com'

export interface KdsOptions {
  /** The only way to the network. */
  readonly fetch: (url: string, init: { signal?: AbortSignal; redirect: 'error' }) => Promise<Response>
  /**
   * By address. A key's certificate stays until it expires; what AMD may replace, its issuer's certificate and the
   * revocation list, for a day.
   */
  readonly cache?: CollateralCache
  /** A mirror of the service; default {@link AMD_KDS}. */
  readonly baseUrl?: string
  /** For reports of version 2, which do not say what they run on, and carry no certificate that does. */
  readonly product?: Product
  /** Unix seconds. */
  readonly now: bigint
  readonly signal?: AbortSignal
}

/**
 * What a report needs to be judged and does not carry itself. Nothing of it is believed here; `verifySevSnp` judges it.
 * Throws `VS_TEE_FETCH` when the service does not answer with it, or can not: it hands out no VLEK, and no VCEK of a chip
 * that the report masks. Throws `VS_TEE_MALFORMED` for evidence that can not be read.
 */
export async function fetchSevSnpCollateral(evidence: Uint8Array, options: KdsOptions): Promise<SevSnpCollateral> {
  const { parsed, table } = read(evidence)
  const { report } = parsed
  const kind = report.signingKey
  if (kind !== 'vcek' && kind !== 'vlek')
    throw fail('VS_TEE_MALFORMED', { details: { field: 'signingKey', expected: 'vcek or vlek', got: kind } })
  const carried = reading(() => chooseVek({}, table, kind)?.product)
  const product = report.product ?? carried ?? options.product
  if (product === undefined || !PRODUCTS.includes(product))
    throw fail('VS_TEE_INVALID_OPTION', {
      details: { field: 'product', expected: `one of ${PRODUCTS.join(', ')}, for a report that does not name it` },
    })
  const base = `${(options.baseUrl ?? AMD_KDS).replace(/\/+$/, '')}/${kind}/v1/${product}`
  return {
    // What the evidence has needs no saying again.
    ...(carried === undefined ? { vek: await get(vekUrl(base, parsed, product), options, certificate) } : {}),
    ...(table.ask === undefined ? { issuer: await get(`${base}/cert_chain`, options, chain, DAY) } : {}),
    crl: await get(`${base}/crl`, options, list, DAY),
  }
}

/** Until when it holds, by its own dates. Throws a refusal for what is something else. */
type Reader = (bytes: Uint8Array) => bigint
const certificate: Reader = (bytes) => parseCertificate(bytes, 'vek').notAfter
const list: Reader = (bytes) => parseCrl(bytes, 'crl').nextUpdate
const chain: Reader = (bytes) => {
  const text = new TextDecoder('latin1').decode(bytes)
  const ends = parsePem(text, 'chain', { maxCertificates: 2 }).map((der) => parseCertificate(der, 'chain').notAfter)
  const [first] = ends.toSorted((a, b) => Number(a - b))
  if (first === undefined) throw malformed('chain', 'certificates', 'none')
  return first
}

function read(evidence: Uint8Array) {
  return reading(() => {
    const parsed = parseEvidence(evidence)
    return { parsed, table: certificateTable(parsed) }
  })
}

function reading<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw fail('VS_TEE_MALFORMED', { details: { evidence: 'amd-sev-snp', cause: error.detail } })
  }
}

/** Where the certificate of the key lies that signs on this chip at this TCB version (57230). */
function vekUrl(base: string, { report }: Evidence, product: Product): string {
  const unknown = (cause: string): Error => fail('VS_TEE_FETCH', { details: { url: base, cause } })
  if (report.signingKey === 'vlek') throw unknown('VLEKs are handed to cloud providers alone: ask yours')
  if (/^0+$/.test(report.chipId)) throw unknown('the report masks its chip')
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
async function get(url: string, options: KdsOptions, reader: Reader, maxAge?: bigint): Promise<Uint8Array> {
  const { signal, cache, now } = options
  signal?.throwIfAborted()
  const before = usable(await kept(cache, url, now, maxAge), now, reader)
  if (before !== undefined) return before
  const bytes = await ask(url, options)
  if (until(bytes, reader) === undefined)
    throw fail('VS_TEE_FETCH', { details: { url, cause: 'an answer that can not be read' } })
  await keep(cache, url, bytes, now)
  return bytes
}

const usable = (bytes: Uint8Array | undefined, now: bigint, reader: Reader): Uint8Array | undefined =>
  bytes !== undefined && now <= (until(bytes, reader) ?? -1n) ? bytes : undefined

async function ask(url: string, { fetch, signal }: KdsOptions): Promise<Uint8Array> {
  const refuse = (cause: string, error?: unknown): Error =>
    fail('VS_TEE_FETCH', { details: { url, cause }, cause: error })
  let bytes: Uint8Array | undefined
  try {
    const response = await fetch(url, { ...(signal === undefined ? {} : { signal }), redirect: 'error' })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw refuse(`status ${response.status}`)
    }
    bytes = await bodyOf(response, MAX_COLLATERAL_BYTES)
  } catch (error) {
    signal?.throwIfAborted()
    if (isVeristackError(error, 'VS_TEE_FETCH')) throw error
    throw refuse(error instanceof Error ? error.message : 'no answer', error)
  }
  if (bytes === undefined) throw refuse(`an answer above ${MAX_COLLATERAL_BYTES} bytes`)
  return bytes
}

/** Absent for what can not be read. */
function until(bytes: Uint8Array, reader: Reader): bigint | undefined {
  try {
    return reader(bytes)
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}
