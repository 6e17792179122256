import { Lack, type Ledger } from '../ledger.ts'
import { dated } from '../moment.ts'
import type { SignatureBackend } from '../pki/index.ts'
import type { Appraisal, RelyingParty } from './appraise.ts'
import type { NvidiaCheck } from './checks.ts'
import { parseKeySet, type WebKey } from './keys.ts'
import { type Bundle, digestOf, type Statement } from './tokens.ts'

/** Whether the issuer's keys signed these tokens, and the overall token these devices. */
export async function judgeTokens(
  ledger: Ledger<NvidiaCheck>,
  { overall, devices, digests }: Bundle,
  {
    keySet,
    policy,
    relyingParty,
    now,
    backend,
  }: {
    readonly keySet: string | undefined
    readonly policy: NonNullable<Appraisal['tokens']>
    readonly relyingParty: RelyingParty
    readonly now: bigint
    readonly backend: SignatureBackend
  },
): Promise<void> {
  const all: readonly (Statement & { readonly name: string })[] = [{ ...overall, name: 'overall' }, ...devices]
  ledger.require('token-algorithm', true)
  for (const { issuer, name } of all)
    ledger.require('token-issuer', issuer === policy.issuer, `${name}: expected ${policy.issuer}, got ${issuer}`)

  ledger.require(
    'submodules',
    digests.size === devices.length,
    `the overall token lists ${digests.size} devices, the bundle has ${devices.length}`,
  )
  for (const { name, token } of devices)
    ledger.require('submodules', digests.get(name) === digestOf(token), `${name}: not the token that is listed`)

  const skew = BigInt(relyingParty.maxSkewSeconds)
  for (const { name, issuedAt, notBefore, expires } of all) {
    const begun = now + skew >= BigInt(Math.max(issuedAt, notBefore))
    ledger.require(
      'token-dates',
      begun && now < BigInt(expires),
      `${name}: issued at ${dated(issuedAt)}, valid from ${dated(notBefore)} until ${dated(expires)}, now ${dated(now)}`,
    )
  }

  if (keySet === undefined) throw new Lack(`no key set of ${policy.issuer}`)
  const keys = parseKeySet(keySet)
  const used: WebKey[] = all.map(({ name, token }) => {
    const key = keys.get(token.keyId)
    ledger.require('token-keys', key !== undefined, `${name}: ${token.keyId} is not in the key set`)
    if (key === undefined) throw new TypeError('no key')
    ledger.require(
      'token-keys',
      policy.keys === 'collateral' || policy.keys.includes(key.thumbprint),
      `${name}: the policy does not name the key with thumbprint ${key.thumbprint}`,
    )
    const { notBefore = 0n, notAfter = now } = key.validity ?? {}
    ledger.require(
      'token-keys',
      now >= notBefore && now <= notAfter,
      `${name}: the certificate of the key is valid ${dated(notBefore)} to ${dated(notAfter)}, now ${dated(now)}`,
      'VS_TEE_CERTIFICATE_DATE',
    )
    return key
  })
  for (const [i, { name, token }] of all.entries()) {
    const key = used[i]?.key
    const holds = key !== undefined && (await backend.verify('ecdsa-p384-sha384', key, token.signed, token.signature))
    ledger.require('token-signatures', holds, `${name}: the signature is wrong`)
  }
}
