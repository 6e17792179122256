import * as z from 'zod'
import { hexOf, hexUpTo, oneOf } from '../policy/index.ts'
import { LIMITS, PCR_BYTES } from './parse.ts'

const pcrValues = z
  .record(z.string().regex(/^(?:[0-9]|[12][0-9]|3[01])$/, 'a PCR index from 0 to 31'), oneOf(hexOf(PCR_BYTES)))
  .refine((pcrs) => Object.keys(pcrs).length > 0, 'at least one PCR, or "any"')
  .readonly()

/** Which enclaves are good enough. */
export const nitroAppraisal = z
  .strictObject({
    /**
     * By index, as text: the values of which a PCR must have one, 48 bytes each. 0: the image; 1: kernel and boot ramdisk; 2: the
     * application; 3: the IAM role; 4: the instance; 8: the key that signed the image; 16 to 31: the application's own. `any`: any
     * code at all, and has to be said.
     */
    pcrs: z.union([z.literal('any'), pcrValues]),
    /** Whether an enclave in debug mode will do, all of whose code PCRs are zero: its host reads its console. Default false. */
    allowDebug: z.boolean().default(false),
  })
  .readonly()

const MAX_SECONDS = 2 ** 40

/** What the document must say to this relying party, here and now. */
export const nitroRelyingParty = z
  .strictObject({
    /** How old the document may be, in seconds. */
    maxAgeSeconds: z.int().min(0).max(MAX_SECONDS),
    /** How far in the future the document's time may lie, since clocks differ, in seconds. Default 60. */
    maxSkewSeconds: z.int().min(0).max(86_400).default(60),
    /** Hexadecimal; null: there must be none. Left away: not asked for. */
    nonce: hexUpTo(LIMITS.nonce).nullable().optional(),
    /** Hexadecimal; null: there must be none. Left away: not asked for. */
    publicKey: hexUpTo(LIMITS.public_key).nullable().optional(),
    /** Hexadecimal; null: there must be none. Left away: not asked for. */
    userData: hexUpTo(LIMITS.user_data).nullable().optional(),
    /** EC2 instances that may answer, as `i-…`; `any` has to be said. */
    platforms: z.union([
      z.literal('any'),
      oneOf(z.string().regex(/^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, 'an EC2 instance id')),
    ]),
  })
  .readonly()

export type NitroAppraisal = z.input<typeof nitroAppraisal>
export type NitroRelyingParty = z.input<typeof nitroRelyingParty>

/** The part of an appraisal policy that does not depend on the code. No measurement is right for everybody, so none is here. */
export const nitroDefaults = { allowDebug: false } as const satisfies Partial<NitroAppraisal>

/** What `verify` holds its policies against. */
export const POLICIES = { appraisal: nitroAppraisal, relyingParty: nitroRelyingParty }
