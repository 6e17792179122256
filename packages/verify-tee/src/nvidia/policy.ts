import * as z from 'zod'
import { hexOf, hexUpTo, oneOf, platformIds } from '../policy/index.ts'
import { NRAS_ISSUER } from './roots.ts'

const word = z.string().regex(/^[\x20-\x7e]{1,128}$/, '1 to 128 visible characters')

/** Versions by name, or the least of each branch (the first number of a version): another branch is refused. */
const versions = (form: RegExp, example: string) => {
  const version = z.string().regex(form, `a version like ${example}`)
  return z.union([z.literal('any'), oneOf(version), z.strictObject({ atLeast: oneOf(version) }).readonly()])
}

const DRIVER = /^\d{1,6}(?:\.\d{1,6}){1,3}$/
const VBIOS = /^[0-9A-F]{2}(?:\.[0-9A-F]{2}){4}$/

const goldenMeasurements = z
  .strictObject({
    /** Of which model this set is, as in `hardware`. Left away: of any. */
    hardware: word.optional(),
    /** By index, as text (`1` to `254`): the values of which the measurement must be one, in hexadecimal. */
    values: z
      .record(z.string().regex(/^(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4])$/, 'an index from 1 to 254'), oneOf(hexUpTo(1024)))
      .refine((values) => Object.keys(values).length > 0, 'at least one measurement')
      .readonly(),
  })
  .readonly()

/** Which devices are good enough. */
export const nvidiaAppraisal = z
  .strictObject({
    /** Models, whole (`GH100 A01 GSP BROM`) or by their first word (`GH100`). `any` has to be said. */
    hardware: z.union([z.literal('any'), oneOf(word)]),
    /** Driver versions of GPUs. Switches have none. */
    drivers: versions(DRIVER, '570.124.03'),
    /** VBIOS versions of GPUs and BIOS versions of switches. */
    vbios: versions(VBIOS, '96.00.9F.00.01'),
    /** What is asked of tokens of NVIDIA's Remote Attestation Service. Left away: they are refused. */
    tokens: z
      .strictObject({
        /** Default: NVIDIA's, in production. */
        issuer: z.url().max(256).default(NRAS_ISSUER),
        /**
         * Keys that may sign, by their thumbprints (RFC 7638, SHA-256, base64url); or `collateral`: whatever the given key set
         * has, which is NVIDIA's word only if it came from the issuer over TLS, and has to be said.
         */
        keys: z.union([
          z.literal('collateral'),
          oneOf(z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a thumbprint of 32 bytes in base64url')),
        ]),
        /** Whether devices will do about which NRAS gives a warning. Default false. */
        allowWarnings: z.boolean().default(false),
      })
      .readonly()
      .optional(),
    /** What is asked of reports that the devices signed. Left away: they are refused. */
    reports: z
      .strictObject({
        /** Sets of golden measurements: every report must satisfy one of its model. `any`: any firmware at all; has to be said. */
        measurements: z.union([z.literal('any'), oneOf(goldenMeasurements)]),
        /**
         * `required`: without a list or an OCSP answer of today for every certificate between a device's and the root it is
         * refused. `optional`: what is given is judged, what is not given is not missed. Default `required`.
         */
        revocation: z.enum(['required', 'optional']).default('required'),
      })
      .readonly()
      .optional(),
  })
  .readonly()

const MAX_SECONDS = 2 ** 40

/** How the data that CPU evidence carries name the nonce of the GPUs. */
export const cpuRule = z.enum(['first-32', 'last-32', 'sha256'])
export type CpuRule = z.infer<typeof cpuRule>

/** What the evidence must say to this relying party, here and now. */
export const nvidiaRelyingParty = z
  .strictObject({
    /** 32 bytes that were chosen for this request. `any`: evidence of any time will do; has to be said. */
    nonce: z.union([z.literal('any'), hexOf(32)]),
    /** How long ago tokens may have been issued, in seconds. Left away: as long as they live, which is an hour. */
    maxAgeSeconds: z.int().min(0).max(MAX_SECONDS).optional(),
    /** How far clocks may differ, in seconds. Default 60. */
    maxSkewSeconds: z.int().min(0).max(86_400).default(60),
    /** How many GPUs and switches there have to be; `any` has to be said. */
    devices: z.union([
      z.literal('any'),
      z.strictObject({ gpus: z.int().min(0).max(1024), switches: z.int().min(0).max(1024) }).readonly(),
    ]),
    /** Devices that may answer, by the serial numbers of their certificates (NRAS: `ueid`), in hexadecimal. */
    platforms: platformIds,
    /**
     * What an accepted verdict about the CPU says that its evidence carries: the report data of TDX or SEV-SNP, the nonce or
     * user data of Nitro. The nonce of the GPUs has to be its first or last 32 bytes, or its SHA-256. Left away: not asked for.
     */
    cpu: z
      .strictObject({ data: hexUpTo(1024), rule: cpuRule })
      .readonly()
      .optional(),
  })
  .readonly()

export type NvidiaAppraisal = z.input<typeof nvidiaAppraisal>
export type NvidiaRelyingParty = z.input<typeof nvidiaRelyingParty>

/** The parts of an appraisal policy that are right for everybody. Models, versions, keys and measurements are not. */
export const nvidiaDefaults = {
  tokens: { issuer: NRAS_ISSUER, allowWarnings: false },
  reports: { revocation: 'required' },
} as const

/** What `verify` holds its policies against. */
export const POLICIES = { appraisal: nvidiaAppraisal, relyingParty: nvidiaRelyingParty }
