/*
 * Detached EAT bundles (RFC 9711) as NVIDIA's Remote Attestation Service (NRAS) writes them:
 * https://docs.nvidia.com/attestation/advanced-documentation/latest/claims-guide/introduction.html
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { malformed, Refusal } from '../ledger.ts'
import { asObject, describe, type JsonObject, parseToken, show, type Token } from './jwt.ts'

export const MAX_DEVICES = 16
const VERSIONS = ['2.0', '3.0'] as const
/** The end of the year 9999. */
const LAST_SECOND = 253_402_300_799

export interface TokenDates {
  /** Unix seconds. */
  readonly issuedAt: number
  readonly notBefore: number
  readonly expires: number
}

/** What every token says of itself. */
export interface Statement extends TokenDates {
  readonly token: Token
  readonly issuer: string
  /** 32 bytes in lower-case hexadecimal. */
  readonly nonce: string
}

export interface DeviceStatement extends Statement {
  /** `GPU-0`, `SWITCH-1`. */
  readonly name: string
  readonly kind: 'gpu' | 'switch'
  /** As hexadecimal; NRAS writes it in decimal. */
  readonly platformId: string
  readonly hwModel: string
  readonly driverVersion?: string
  readonly vbiosVersion: string
  readonly measurementResult: string
  readonly secureBoot: boolean
  readonly debugStatus: string
  readonly warning?: string
  /** What NRAS does not say to be so, of what it has to. */
  readonly unproven: readonly string[]
}

export interface Bundle {
  readonly overall: Statement & { readonly version: string; readonly result: boolean }
  readonly devices: readonly DeviceStatement[]
  /** By device, the SHA-256 in the overall token. */
  readonly digests: ReadonlyMap<string, string>
}

/** `[["JWT", overall], { "GPU-0": token, … }]`. */
export function parseBundle(value: readonly unknown[]): Bundle {
  const [first, second, ...more] = value
  if (!Array.isArray(first) || first.length !== 2 || first[0] !== 'JWT' || more.length > 0)
    throw malformed('evidence', '["JWT", token] and the tokens of the devices', describe(value))
  const tokens = Object.entries(asObject(second, 'evidence.1'))
  if (tokens.length < 1 || tokens.length > MAX_DEVICES)
    throw malformed('evidence.1', `1 to ${MAX_DEVICES} devices`, `${tokens.length}`)
  const token = parseToken(first[1], 'overall')
  const { claims } = token
  const version = claims['x-nvidia-ver']
  if (!VERSIONS.some((known) => known === version))
    throw new Refusal(
      'token-algorithm',
      'VS_TEE_UNSUPPORTED',
      `overall.x-nvidia-ver: expected ${VERSIONS.join(' or ')}, got ${show(version)}`,
    )
  const result = claims['x-nvidia-overall-att-result']
  if (typeof result !== 'boolean')
    throw malformed('overall.x-nvidia-overall-att-result', 'true or false', describe(result))
  return {
    overall: { ...statement(token, 'overall'), version: String(version), result },
    devices: tokens.map(([name, text]) => device(name, text)),
    digests: digests(claims.submods),
  }
}

/** The digest by which the overall token names a device's: over the token's text. */
export const digestOf = (token: Token): string => bytesToHex(sha256(utf8ToBytes(token.text)))

/** `{ "GPU-0": ["DIGEST", ["SHA-256", hex]] }`. */
function digests(value: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, entry] of Object.entries(asObject(value, 'overall.submods'))) {
    const field = `overall.submods.${show(name)}`
    const [word, digest, ...rest] = Array.isArray(entry) ? entry : []
    const [algorithm, hex, ...others] = Array.isArray(digest) ? digest : []
    if (word !== 'DIGEST' || rest.length > 0 || others.length > 0)
      throw malformed(field, '["DIGEST", [algorithm, digest]]', describe(entry))
    if (algorithm !== 'SHA-256') throw malformed(field, 'SHA-256', show(algorithm))
    if (typeof hex !== 'string' || !/^[0-9a-f]{64}$/.test(hex))
      throw malformed(field, '32 bytes in lower-case hexadecimal', describe(hex))
    found.set(name, hex)
  }
  return found
}

function statement(token: Token, name: string): Statement {
  const { claims } = token
  const date = (key: string): number => {
    const value = claims[key]
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > LAST_SECOND)
      throw malformed(`${name}.${key}`, 'Unix seconds', describe(value))
    return value
  }
  return {
    token,
    issuer: text(claims, 'iss', name, /^[\x21-\x7e]{1,256}$/),
    nonce: text(claims, 'eat_nonce', name, /^[0-9a-fA-F]{64}$/).toLowerCase(),
    issuedAt: date('iat'),
    notBefore: date('nbf'),
    expires: date('exp'),
  }
}

const WORDS = /^[\x20-\x7e]{1,128}$/

function device(name: string, value: unknown): DeviceStatement {
  const known = /^(GPU|SWITCH|NVSWITCH)-(?:0|[1-9]\d{0,2})$/.exec(name)
  if (known === null) throw malformed('evidence.1', 'names like GPU-0 and SWITCH-0', show(name))
  const kind = known[1] === 'GPU' ? 'gpu' : 'switch'
  const token = parseToken(value, name)
  const { claims } = token
  const prefix = `x-nvidia-${kind}`
  const ueid = text(claims, 'ueid', name, /^[1-9]\d{0,63}$/)
  const secureBoot = claims.secboot
  if (secureBoot !== null && typeof secureBoot !== 'boolean' && secureBoot !== undefined)
    throw malformed(`${name}.secboot`, 'true, false or null', describe(secureBoot))
  const warning = claims['x-nvidia-attestation-warning']
  return {
    ...statement(token, name),
    name,
    kind,
    platformId: evenHex(BigInt(ueid)),
    hwModel: text(claims, 'hwmodel', name, WORDS),
    ...(kind === 'gpu' ? { driverVersion: text(claims, `${prefix}-driver-version`, name, WORDS) } : {}),
    vbiosVersion: text(claims, kind === 'gpu' ? `${prefix}-vbios-version` : `${prefix}-bios-version`, name, WORDS),
    measurementResult: text(claims, 'measres', name, WORDS),
    secureBoot: secureBoot === true,
    debugStatus: claims.dbgstat === null ? 'unknown' : text(claims, 'dbgstat', name, WORDS),
    ...(warning === null || warning === undefined ? {} : { warning: show(warning) }),
    unproven: unproven(claims, kind, prefix),
  }
}

function text(claims: JsonObject, key: string, name: string, form: RegExp): string {
  const value = Object.hasOwn(claims, key) ? claims[key] : undefined
  if (typeof value !== 'string' || !form.test(value)) throw malformed(`${name}.${key}`, `${form.source}`, show(value))
  return value
}

const evenHex = (number: bigint): string => {
  const hex = number.toString(16)
  return hex.padStart(hex.length + (hex.length % 2), '0')
}

const REPORT = ['arch-check', 'attestation-report-parsed', 'attestation-report-nonce-match']
const SIGNED = ['attestation-report-signature-verified']
const RIM = ['fetched', 'schema-validated', 'signature-verified', 'measurements-available']

/**
 * Of the claims of versions 2.0 and 3.0, those that have to be there and true; any other that is false; and certificate
 * chains that are not valid, or revoked.
 */
function unproven(claims: JsonObject, kind: 'gpu' | 'switch', prefix: string): readonly string[] {
  const rims = kind === 'gpu' ? ['driver-rim', 'vbios-rim'] : ['bios-rim']
  const needed = [
    ...REPORT,
    ...SIGNED,
    ...rims.flatMap((rim) => RIM.map((step) => `${rim}-${step}`)),
    ...(kind === 'gpu' ? ['vbios-index-no-conflict'] : []),
  ].map((claim) => `${prefix}-${claim}`)
  const chains = [
    [`${prefix}-attestation-report-cert-chain`, `${prefix}-attestation-report-cert-chain-validated`],
    ...rims.map((rim) => [`${prefix}-${rim}-cert-chain`, `${prefix}-${rim}-cert-validated`]),
  ] as const
  const found = needed.filter((claim) => claims[claim] !== true)
  for (const [claim = '', flag = ''] of chains) {
    const granular = Object.hasOwn(claims, claim)
    if (granular ? !isValidChain(claims[claim]) : claims[flag] !== true) found.push(granular ? claim : flag)
  }
  for (const [claim, value] of Object.entries(claims))
    if (claim.startsWith('x-nvidia-') && value === false && !found.includes(claim)) found.push(show(claim))
  return found
}

function isValidChain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const chain = value as JsonObject
  return (
    chain['x-nvidia-cert-status'] === 'valid' &&
    chain['x-nvidia-cert-ocsp-status'] === 'good' &&
    (chain['x-nvidia-cert-revocation-reason'] ?? null) === null
  )
}
