import * as z from 'zod'
import type { Ledger } from '../ledger.ts'
import { hexUpTo, oneOf } from './plain.ts'

/**
 * Which machines may answer: platform ids (PPID, CHIP_ID, serial number of a device's certificate) in lower-case hexadecimal, or
 * `any`, which has to be said: whoever holds a machine can extract its keys, so a verdict about unknown machines rests on nobody doing so.
 */
export const platformIds = z.union([z.literal('any'), oneOf(hexUpTo(64))])
export type PlatformIds = z.infer<typeof platformIds>

/** The check `platform`, which every vendor's table has. */
export const PLATFORM_CHECK = {
  stage: 'relying-party',
  title: 'the platform is one of those that the policy allows',
  code: 'VS_TEE_PLATFORM',
} as const

export function checkPlatform(ledger: Ledger<'platform'>, allowed: PlatformIds, id: string | undefined): void {
  if (allowed === 'any') ledger.skip('platform', 'the policy allows any platform')
  else if (id === undefined) ledger.note('platform', false, 'the evidence names no platform')
  else ledger.note('platform', allowed.includes(id), id)
}
