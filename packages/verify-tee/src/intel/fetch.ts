import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { type Answer, ask, baseOf, DAY, type FetchOptions, keep, kept, unanswered } from '../answers.ts'
import { inspected } from '../inspection.ts'
import { Refusal } from '../ledger.ts'
import { evidenceOf } from '../options.ts'
import { commonName } from '../pki/index.ts'
import { invalidOption } from '../policy/index.ts'
import { decodeCollateral, type IntelCollateral } from './collateral.ts'
import { MAX_QUOTE_BYTES, parseQuote } from './parse.ts'
import { readQeIdentity, readTcbInfo } from './tcb-info.ts'

export interface FetchIntelOptions extends FetchOptions {
  /** Base address of a Provisioning Certificate Caching Service, in place of Intel's own service or a mirror of it. */
  readonly pccsUrl?: string
  /** Of the root's revocation list; unless told, Intel's own, or the PCCS's. */
  readonly rootCrlUrl?: string
  /** `early`: TCB info and QE identity as soon as Intel issues them; `standard` (unless told): after everybody had time to update. */
  readonly update?: 'standard' | 'early'
}

/** Intel's Provisioning Certification Service. */
export const INTEL_PCS = 'https://api.trustedservices.intel.com'
const INTEL_ROOT_CRL = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der'
const MAX_ANSWER_BYTES = 1 << 18

/**
 * TCB info, QE identity and revocation lists of the platform that a quote names. Nothing is believed here: neither quote nor
 * answers; `verifyIntel` judges them. Throws `VS_TEE_FETCH`, `VS_TEE_MALFORMED` and `VS_TEE_UNSUPPORTED` (for what is no
 * quote, or only names its PCK certificate), `VS_TEE_INVALID_OPTION`, and the signal's reason.
 */
export async function fetchIntelCollateral(evidence: Uint8Array, options: FetchIntelOptions): Promise<IntelCollateral> {
  const { baseUrl, pccsUrl, cache, now, signal } = options
  if (baseUrl !== undefined && pccsUrl !== undefined)
    throw invalidOption('baseUrl', 'one of baseUrl and pccsUrl', 'both')
  const { tee, fmspc, ca } = platformOf(evidence)
  const base = baseOf(pccsUrl ?? baseUrl, INTEL_PCS)
  const update = options.update ?? 'standard'
  const at = (family: 'sgx' | 'tdx', path: string): string => `${base}/${family}/certification/v4/${path}`
  const rootCrl = options.rootCrlUrl ?? (pccsUrl === undefined ? INTEL_ROOT_CRL : at('sgx', 'rootcacrl'))
  const addresses = {
    tcb: at(tee, `tcb?fmspc=${fmspc}&update=${update}`),
    qe: at(tee, `qe/identity?update=${update}`),
    crl: at('sgx', `pckcrl?ca=${ca}&encoding=der`),
    rootCrl,
  }
  const key = JSON.stringify(addresses)
  const before = usable(await kept(cache, key, now, DAY), now)
  if (before !== undefined) return before

  signal?.throwIfAborted()
  const [tcb, qe, crl, root] = await askAll(addresses, options)
  const collateral: IntelCollateral = {
    tcb_info: asText(tcb),
    tcb_info_issuer_chain: header(tcb, 'TCB-Info-Issuer-Chain'),
    qe_identity: asText(qe),
    qe_identity_issuer_chain: header(qe, 'SGX-Enclave-Identity-Issuer-Chain'),
    root_ca_crl: asDer(root),
    pck_crl: asDer(crl),
    pck_crl_issuer_chain: header(crl, 'SGX-PCK-CRL-Issuer-Chain'),
  }
  const text = utf8ToBytes(JSON.stringify(collateral))
  if (usable(text, now) !== undefined) await keep(cache, key, text, now)
  return collateral
}

const platformOf = (evidence: Uint8Array) =>
  inspected('intel', () => {
    const { body, certification } = parseQuote(evidenceOf(evidence, MAX_QUOTE_BYTES + 1))
    if (certification.kind === 'id')
      throw new Refusal('supported', 'VS_TEE_UNSUPPORTED', 'the quote only names its PCK certificate')
    const { leaf, pck } = certification
    const issuer = commonName(leaf.issuer)
    return { tee: body.tee, fmspc: pck.fmspc, ca: issuer?.includes('Processor') ? 'processor' : 'platform' } as const
  })

/** Well formed, and no part of it due. */
function usable(text: Uint8Array | undefined, now: bigint): IntelCollateral | undefined {
  if (text === undefined) return undefined
  try {
    const given: IntelCollateral = JSON.parse(new TextDecoder().decode(text))
    const { tcbInfo, qeIdentity, rootCrl, pckCrl } = decodeCollateral(given)
    const due = [
      readTcbInfo(tcbInfo.body).nextUpdate,
      readQeIdentity(qeIdentity.body).nextUpdate,
      rootCrl.nextUpdate,
      pckCrl.nextUpdate,
    ]
    return due.every((next) => now < next) ? given : undefined
  } catch {
    return undefined
  }
}

type Addresses = Readonly<Record<'tcb' | 'qe' | 'crl' | 'rootCrl', string>>

/** All at once; the first that fails ends the others. */
async function askAll({ tcb, qe, crl, rootCrl }: Addresses, options: FetchIntelOptions) {
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
  const get = (url: string) => ask(url, { fetch: options.fetch, signal }, MAX_ANSWER_BYTES)
  try {
    return await Promise.all([get(tcb), get(qe), get(crl), get(rootCrl)])
  } finally {
    stop.abort()
  }
}

const asText = ({ bytes }: Answer): string => new TextDecoder('utf-8').decode(bytes)

/** DER as it is, or in hexadecimal, as caching services send it. */
function asDer(answer: Answer): string {
  const text = asText(answer).trim().toLowerCase()
  return /^[0-9a-f]+$/.test(text) ? text : bytesToHex(answer.bytes)
}

function header({ headers, url }: Answer, name: string): string {
  const value = headers.get(name)
  if (value === null) throw unanswered(url, `an answer without the header ${name}`)
  try {
    // What the headers of caching services have at their ends differs.
    return `${decodeURIComponent(value).replaceAll('\r\n', '\n').trim()}\n`
  } catch (cause) {
    throw unanswered(url, `a header ${name} that is not percent-encoded`, cause)
  }
}
