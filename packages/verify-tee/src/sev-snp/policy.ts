import * as z from 'zod'
import { hexOf, hexUpTo, oneOf, platformIds } from '../policy/index.ts'
import { PRODUCTS } from './product.ts'

/** Whether what can be on may be on. */
const may = z.enum(['allowed', 'refused'])
/** Whether what protects has to be on. */
const must = z.enum(['required', 'any'])
const byte = z.number().int().min(0).max(255)

const components = {
  bootloader: byte.optional(),
  tee: byte.optional(),
  snp: byte.optional(),
  microcode: byte.optional(),
}
/** A product whose minimums are all left away would be any version of it, unsaid. */
const minimums = <T extends z.ZodType<object>>(version: T) =>
  z
    .strictObject({
      /** What the host chose to report and the endorsement key was derived from. */
      reported: version.optional(),
      /** What the host can not roll back below. */
      committed: version.optional(),
      /** What runs now. */
      current: version.optional(),
      /** What ran when the guest was launched or came here. */
      launch: version.optional(),
    })
    .refine(
      (named) => Object.values(named).some((parts) => Object.values(parts ?? {}).some((least) => least !== undefined)),
      'at least one minimum, or "any" for all products',
    )
    .readonly()
const older = minimums(z.strictObject(components).readonly())
const newer = minimums(z.strictObject({ fmc: byte.optional(), ...components }).readonly())

/** Which hardware, firmware and guests are good enough. Plain JSON; nothing that is left away is guessed. */
export const sevSnpAppraisal = z
  .strictObject({
    /** Lines of processors. Bergamo and Siena count as Genoa. */
    products: oneOf(z.enum(PRODUCTS)),
    /** VCEK: of one chip. VLEK: given to a cloud provider, for all of its chips. */
    keys: oneOf(z.enum(['vcek', 'vlek'])),
    /** Providers whose VLEK is allowed, as the certificate names them. Left away: any. */
    cspIds: oneOf(z.string().min(1).max(256)).optional(),
    /** `required`: without the root's revocation list it is refused. `optional`: a list that is given is judged, none is not missed. */
    revocation: z.enum(['required', 'optional']),
    /**
     * Reports in which the host masks CHIP_ID with zeros. A VCEK's certificate names the chip all the same; with a VLEK
     * nobody knows it, and a list of platforms refuses it.
     */
    allowMaskedChipId: z.boolean(),
    /**
     * A reported TCB version above the committed one: the host can roll the machine back below what the certificate
     * vouches for. Firmware that runs above both is fine: nobody relies on it.
     */
    allowUncommittedTcb: z.boolean(),
    /** Guests whose host may read and write their memory. For development. */
    allowDebug: z.boolean(),
    /** What the guest's owner let its host do at launch. */
    guestPolicy: z
      .strictObject({
        /** A migration agent may take the guest to another machine. */
        migrateMa: may,
        /** Two threads may share a core. */
        smt: may,
        /** Memory of CXL devices. */
        cxl: may,
        singleSocket: must,
        memAes256Xts: must,
        raplDisabled: must,
        ciphertextHidingDram: must,
        pageSwapDisabled: must,
        /** The guest asks for at least this version of the ABI. */
        minimumAbi: z.strictObject({ major: byte, minor: byte }).readonly().optional(),
      })
      .readonly(),
    /** How the machine says that it is set up. Reports of version 2 know the first five bits alone. */
    platformInfo: z
      .strictObject({
        smt: may,
        /** Devices that are trusted with guest memory (SEV-TIO). */
        tio: may,
        /** Bits that this package does not know. */
        unknown: may,
        tsme: must,
        ecc: must,
        raplDisabled: must,
        ciphertextHidingDram: must,
        /** The machine was checked for memory aliases since its start (CVE-2024-21944, BadRAM). */
        aliasCheckComplete: must,
        iommuWriteSafe: must,
      })
      .readonly(),
    /** Privilege levels of the guest; 0 is the highest. */
    vmpls: oneOf(z.number().int().min(0).max(3)),
    /** Minimums per product; a product without any is refused. `any`: whatever AMD once signed for. */
    minimumTcb: z.union([
      z.literal('any'),
      z.strictObject({ Milan: older.optional(), Genoa: older.optional(), Turin: newer.optional() }).readonly(),
    ]),
    /** Of the committed firmware. */
    minimumFirmware: z.strictObject({ major: byte, minor: byte, build: byte }).readonly().optional(),
    /** Bits that have to be set in the mitigation vectors, most significant byte first; reports of version 5 have them. */
    mitigations: z
      .strictObject({ launch: hexOf(8).optional(), current: hexOf(8).optional() })
      .readonly()
      .optional(),
    /** Launch digests. `any`: whatever runs; then the verdict says nothing about code. */
    measurements: z.union([z.literal('any'), oneOf(hexOf(48))]),
    hostData: oneOf(hexOf(32)).optional(),
    /** SHA-384 of keys that sign ID blocks. */
    idKeyDigests: oneOf(hexOf(48)).optional(),
    /** SHA-384 of keys that certify ID keys. */
    authorKeyDigests: oneOf(hexOf(48)).optional(),
    familyIds: oneOf(hexOf(16)).optional(),
    imageIds: oneOf(hexOf(16)).optional(),
    minimumGuestSvn: z.number().int().min(0).max(0xffffffff).optional(),
  })
  .readonly()
export type SevSnpAppraisal = z.infer<typeof sevSnpAppraisal>

/**
 * A safe beginning: production guests at the highest privilege level, on a committed TCB, with revocation looked at. The
 * two fields that it can not know, `measurements` and `minimumTcb`, are yours to say.
 */
export const sevSnpDefaults = {
  products: ['Milan', 'Genoa', 'Turin'],
  keys: ['vcek', 'vlek'],
  revocation: 'required',
  allowMaskedChipId: true,
  allowUncommittedTcb: false,
  allowDebug: false,
  guestPolicy: {
    migrateMa: 'refused',
    smt: 'allowed',
    cxl: 'refused',
    singleSocket: 'any',
    memAes256Xts: 'any',
    raplDisabled: 'any',
    ciphertextHidingDram: 'any',
    pageSwapDisabled: 'any',
  },
  platformInfo: {
    smt: 'allowed',
    tio: 'refused',
    unknown: 'refused',
    tsme: 'any',
    ecc: 'any',
    raplDisabled: 'any',
    ciphertextHidingDram: 'any',
    aliasCheckComplete: 'any',
    iommuWriteSafe: 'any',
  },
  vmpls: [0],
} as const satisfies Omit<SevSnpAppraisal, 'measurements' | 'minimumTcb'>

/** Whether the evidence answers this question, here and now. Reports have no date: freshness lies in `reportData` alone. */
export const sevSnpRelyingParty = z
  .strictObject({
    /** Up to 64 bytes; shorter data is followed by zeros in the report. `any`: whatever it carries, from whenever. */
    reportData: z.union([z.literal('any'), hexUpTo(64)]),
    /** The guest's id, which the firmware drew when it was launched. */
    reportIds: oneOf(hexOf(32)).optional(),
    /** Chips by hardware id: 64 bytes for Milan and Genoa, 8 for Turin. */
    platforms: platformIds,
  })
  .readonly()
export type SevSnpRelyingParty = z.infer<typeof sevSnpRelyingParty>

/** What `verify` holds its policies against. */
export const POLICIES = { appraisal: sevSnpAppraisal, relyingParty: sevSnpRelyingParty }
