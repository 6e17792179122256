import type * as z from 'zod'
import type { Ledger } from '../ledger.ts'
import { checkPlatform } from '../policy/index.ts'
import type { NitroCheck } from './checks.ts'
import type { NitroClaims } from './claims.ts'
import type { nitroAppraisal, nitroRelyingParty } from './policy.ts'

/** Whether such code is good enough. */
export function appraise(
  ledger: Ledger<NitroCheck>,
  claims: NitroClaims,
  policy: z.output<typeof nitroAppraisal>,
): void {
  const zero = claims.pcrs['0'] === undefined ? 'there is no PCR0' : 'PCR0 is zero'
  if (policy.allowDebug) ledger.skip('debug', `the policy allows debug mode${claims.debug ? `; ${zero}` : ''}`)
  else ledger.note('debug', !claims.debug, claims.debug ? zero : undefined)

  if (policy.pcrs === 'any') {
    ledger.skip('pcrs', 'the policy allows any code')
    return
  }
  const wrong = Object.entries(policy.pcrs).find(
    ([index, allowed]) => !allowed.includes(claims.pcrs[index] ?? 'absent'),
  )
  const got = wrong === undefined ? undefined : claims.pcrs[wrong[0]]
  ledger.note(
    'pcrs',
    wrong === undefined,
    wrong === undefined
      ? `PCR ${Object.keys(policy.pcrs).join(', ')}`
      : `PCR${wrong[0]} is ${got ?? 'not in the document'}, which the policy does not allow`,
  )
}

/** Whether the document answers this relying party at `now` (Unix seconds). */
export function judgeAnswer(
  ledger: Ledger<NitroCheck>,
  claims: NitroClaims,
  policy: z.output<typeof nitroRelyingParty>,
  now: bigint,
): void {
  const age = now * 1000n - BigInt(claims.timestamp)
  const bounds = `${-policy.maxSkewSeconds} to ${policy.maxAgeSeconds} s`
  const inTime = age <= BigInt(policy.maxAgeSeconds) * 1000n && age >= -BigInt(policy.maxSkewSeconds) * 1000n
  ledger.note('age', inTime, `made ${Number(age) / 1000} s before now; allowed are ${bounds}`)

  expected('nonce', policy.nonce, claims.nonce)
  expected('public-key', policy.publicKey, claims.publicKey)
  expected('user-data', policy.userData, claims.userData)

  checkPlatform(ledger, policy.platforms, claims.instanceId)

  function expected(id: NitroCheck, wanted: string | null | undefined, got: string | undefined): void {
    if (wanted === undefined) ledger.skip(id, 'the policy does not ask for it')
    else ledger.note(id, (wanted ?? undefined) === got, `expected ${wanted ?? 'none'}, got ${got ?? 'none'}`)
  }
}
