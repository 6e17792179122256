import fc from 'fast-check'
import { Refusal } from '../ledger.ts'
import { mutations as mutated } from '../mutations.fixture.ts'
import type { SignatureBackend } from '../pki/index.ts'
import {
  type Claims,
  entryOf,
  GPU,
  KEY_ID,
  makeBundle,
  makeKeySet,
  makeList,
  makeReport,
  NONCE,
  ourOptions,
  pem,
  SWITCH,
  usualChain,
  usualCrls,
  webKey,
} from './devices.fixture.ts'
import { parseEvidence } from './evidence.ts'
import { type NvidiaOptions, verifyNvidia } from './index.ts'
import { parseKeySet } from './keys.ts'
import { makeOcsp } from './ocsp.fixture.ts'

/** Evidence that is accepted, another piece to splice it with, which is not: it has another nonce; and all that it takes. */
export interface Honest {
  readonly name: string
  readonly evidence: Uint8Array
  readonly other: Uint8Array
  readonly options: NvidiaOptions
}

const { appraisal, relyingParty, ...rest } = ourOptions()
const any: NvidiaOptions = { ...rest, appraisal, relyingParty: { ...relyingParty, devices: 'any' } }
const chain = pem(usualChain())
const [ofRoot = new Uint8Array(), ofIdentity = new Uint8Array()] = usualCrls()
const answer = makeOcsp({ subjectSerial: 11n, issuer: 'ica' })

const OTHER = '5a'.repeat(32)
const another = (claims: Claims): void => void Object.assign(claims, { eat_nonce: OTHER })

export const honest: readonly Honest[] = [
  {
    name: 'a list',
    evidence: makeList(entryOf()),
    other: makeList({ ...entryOf(SWITCH, makeReport({ kind: SWITCH, nonce: OTHER })), nonce: OTHER }),
    options: any,
  },
  {
    name: 'tokens',
    evidence: makeBundle(),
    other: makeBundle({ version: '2.0', overall: another, gpu: another, switch: another }),
    options: any,
  },
  {
    name: 'a report',
    evidence: makeReport(),
    other: makeReport({ kind: SWITCH, nonce: OTHER }),
    options: { ...any, collateral: { certificateChain: chain, crls: [ofRoot, ofIdentity], ocsp: [answer] } },
  },
]

const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes)
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Collateral by its kind: what is mutated, with what it is spliced, and what it is judged with. */
export const collaterals: readonly {
  readonly name: string
  readonly original: Uint8Array
  readonly other: Uint8Array
  readonly judge: (mutated: Uint8Array) => readonly [evidence: Uint8Array, options: NvidiaOptions]
  readonly same: (mutated: Uint8Array) => boolean
}[] = [
  {
    name: 'a key set',
    original: bytesOf(makeKeySet(webKey())),
    other: bytesOf(makeKeySet(webKey(undefined, 'another'))),
    judge: (mutated) => [makeBundleOnce(), { ...any, collateral: { keySet: text(mutated) } }],
    same: (mutated) => {
      const [a, b] = [text(mutated), makeKeySet(webKey())].map((set) => parseKeySet(set).get(KEY_ID)?.thumbprint)
      return a === b
    },
  },
  {
    name: 'a chain',
    original: bytesOf(chain),
    other: bytesOf(pem(usualChain(SWITCH))),
    judge: (mutated) => [
      reportOnce,
      { ...any, collateral: { certificateChain: text(mutated), crls: [ofRoot, ofIdentity], ocsp: [answer] } },
    ],
    same: (mutated) => meaning(reportOnce, text(mutated)) === meaning(reportOnce, chain),
  },
  {
    name: 'a revocation list',
    original: ofIdentity,
    other: ofRoot,
    judge: (mutated) => [
      reportOnce,
      { ...any, collateral: { certificateChain: chain, crls: [ofRoot, mutated], ocsp: [answer] } },
    ],
    same: () => false,
  },
  {
    name: 'an OCSP answer',
    original: answer,
    other: makeOcsp({ subjectSerial: 12n, issuer: 'identity' }),
    judge: (mutated) => [
      reportOnce,
      { ...any, collateral: { certificateChain: chain, crls: [ofRoot, ofIdentity], ocsp: [mutated] } },
    ],
    same: () => false,
  },
]
const bundleOnce = makeBundle()
const makeBundleOnce = (): Uint8Array => bundleOnce
const reportOnce = makeReport({ kind: GPU, nonce: NONCE })

/** What counts of evidence: tokens word by word; reports and certificates but for the root, which is pinned, byte by byte. */
function meaning(evidence: Uint8Array, certificateChain?: string): string {
  const parsed = parseEvidence(evidence, certificateChain)
  if (parsed.kind === 'tokens') {
    const { overall, devices } = parsed.bundle
    return [overall.token.text, ...devices.map(({ name, token }) => `${name}:${token.text}`).sort()].join(' ')
  }
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  return parsed.devices
    .map(({ report, device }) =>
      [report.signed, report.signature, ...(device?.chain.slice(0, 4).map(({ der }) => der) ?? [])].map(hex).join(' '),
    )
    .join(';')
}

export function sameMeaning(a: Uint8Array, b: Uint8Array): boolean {
  try {
    return meaning(a) === meaning(b)
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

/** Also such that leave texts texts, so that it is their content that is looked at. */
export function mutations(bytes: Uint8Array, other: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length - 1)
  const letters = fc
    .array(fc.tuple(place, fc.constantFrom(...bytesOf('AQgwz09+/-_.="0'))), { minLength: 1, maxLength: 3 })
    .map((changes) => {
      const copy = bytes.slice()
      for (const [at, byte] of changes) copy[at] = byte
      return copy
    })
  return fc.oneof({ weight: 7, arbitrary: mutated(bytes, other) }, { weight: 2, arbitrary: letters })
}

/** Throws where a verdict is one that may not be. */
export async function requireRefused(
  mutated: Uint8Array,
  { evidence, options }: Pick<Honest, 'evidence' | 'options'>,
  same: (mutated: Uint8Array) => boolean = (bytes) => sameMeaning(bytes, evidence),
): Promise<void> {
  const verdict = await verifyNvidia(mutated, options)
  if (verdict.status === 'accepted' && !same(mutated)) throw new Error('accepted')
  if (verdict.status === 'rejected' && verdict.code === 'VS_TEE_INTERNAL') throw new Error(verdict.detail)
}

/** The same for collateral. */
export async function requireCollateralRefused(
  mutated: Uint8Array,
  { original, judge, same }: (typeof collaterals)[number],
): Promise<void> {
  const [evidence, options] = judge(mutated)
  return requireRefused(evidence, { evidence, options }, () => Buffer.compare(mutated, original) === 0 || same(mutated))
}

export const withBackend = (options: NvidiaOptions, backend: SignatureBackend): NvidiaOptions => ({
  ...options,
  backend,
})
