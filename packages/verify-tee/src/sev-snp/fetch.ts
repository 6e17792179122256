import type { CollateralCache } from '../disk-cache.ts'
import { fail } from '../errors.ts'
import { Refusal } from '../ledger.ts'
import { parseCertificate, parseCrl, parsePem } from '../pki/index.ts'
import type { SevSnpCollateral } from './collateral.ts'
import { certificateTable, type Evidence, parseEvidence } from './parse.ts'
import { HWID_BYTES, PRODUCTS, type Product, type TcbComponents, tcbComponents } from './product.ts'

/** AMD's key distribution service. */
export const AMD_KDS = 'https://kdsintf.amd.com'

export interface KdsOptions {
  /** The only way to the network. */
  readonly fetch: (url: string, init: { signal?: AbortSignal; redirect: 'error' }) => Promise<Response>
  /** Keys are addresses; a revocation list's also names the day, so that each is asked for daily. */
  readonly cache?: CollateralCache
  /** A mirror of the service; default {@link AMD_KDS}. */
  readonly baseUrl?: string
  /** For reports of version 2, which do not say what they run on. */
  readonly product?: Product
  /** Unix seconds. */
  readonly now: bigint
  readonly signal?: AbortSignal
}

const MAX_BYTES = 1 << 16
const DAY = 86_400n

/**
 * What a report needs to be judged and does not carry itself. Nothing of it is believed here; `verifySevSnp` judges it.
 * Throws `VS_TEE_FETCH` when the service does not answer with it, or can not: it hands out no VLEK, and no VCEK of a chip
 * that the report masks. Throws `VS_TEE_MALFORMED` for evidence that can not be read.
 */
export async function fetchSevSnpCollateral(evidence: Uint8Array, options: KdsOptions): Promise<SevSnpCollateral> {
  const { parsed, table } = read(evidence)
  const { report } = parsed
  const product = report.product ?? options.product
  if (product === undefined || !PRODUCTS.includes(product))
    throw fail('VS_TEE_INVALID_OPTION', {
      details: { field: 'product', expected: `one of ${PRODUCTS.join(', ')}, for a report that does not name it` },
    })
  const kind = report.signingKey
  if (kind !== 'vcek' && kind !== 'vlek')
    throw fail('VS_TEE_MALFORMED', { details: { field: 'signingKey', expected: 'vcek or vlek', got: kind } })
  const base = `${options.baseUrl ?? AMD_KDS}/${kind}/v1/${product}`
  const vek =
    table[kind] ?? (await get(vekUrl(base, parsed, product), options, (bytes) => parseCertificate(bytes, 'vek')))
  const issuer = table.ask ?? (await get(`${base}/cert_chain`, options, chain))
  return {
    // What the evidence has needs no saying again.
    ...(table[kind] === undefined ? { vek } : {}),
    ...(table.ask === undefined ? { issuer } : {}),
    crl: await get(`${base}/crl`, options, (bytes) => parseCrl(bytes, 'crl'), `#${options.now / DAY}`),
  }
}

const chain = (bytes: Uint8Array): unknown =>
  parsePem(new TextDecoder('latin1').decode(bytes), 'chain', { maxCertificates: 2 }).map((der) =>
    parseCertificate(der, 'chain'),
  )

function read(evidence: Uint8Array) {
  try {
    const parsed = parseEvidence(evidence)
    return { parsed, table: certificateTable(parsed) }
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

/** From the cache or the service; kept only if `parse` can read it. */
async function get(
  url: string,
  options: KdsOptions,
  parse: (bytes: Uint8Array) => unknown,
  age = '',
): Promise<Uint8Array> {
  options.signal?.throwIfAborted()
  const kept = await options.cache?.get(url + age)
  if (kept !== undefined && isReadable(kept, parse)) return kept
  const { signal } = options
  const refuse = (cause: string, error?: unknown): Error =>
    fail('VS_TEE_FETCH', { details: { url, cause }, cause: error })
  let bytes: Uint8Array | undefined
  try {
    const response = await options.fetch(url, { ...(signal === undefined ? {} : { signal }), redirect: 'error' })
    if (response.status !== 200) throw refuse(`status ${response.status}`)
    bytes = await body(response)
  } catch (error) {
    signal?.throwIfAborted()
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'VS_TEE_FETCH') throw error
    throw refuse(error instanceof Error ? error.message : 'no answer', error)
  }
  if (bytes === undefined) throw refuse(`an answer above ${MAX_BYTES} bytes`)
  if (!isReadable(bytes, parse)) throw refuse('an answer that can not be read')
  await options.cache?.set(url + age, bytes)
  return bytes
}

/** Absent when there is more than is sensible. */
async function body(response: Response): Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const part = await reader?.read()
    if (part === undefined || part.done) break
    size += part.value.length
    if (size > MAX_BYTES) {
      await reader?.cancel()
      return undefined
    }
    parts.push(part.value)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function isReadable(bytes: Uint8Array, parse: (bytes: Uint8Array) => unknown): boolean {
  try {
    parse(bytes)
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}
