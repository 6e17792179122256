import * as z from 'zod'
import {
  checkRequirement,
  checkTensor,
  ELEMENT_BYTES,
  type ElementType,
  fromHex,
  type Json,
  type Requirement,
} from '../../claim/index.ts'
import { isVeristackError } from '../../errors/index.ts'
import {
  address,
  blobRef,
  bytes,
  bytes32,
  digest,
  evidenceKind,
  label,
  pattern,
  programId,
  requestId,
  SETTLEMENT_STATES,
  signature,
  tierName,
  uint64,
  uint256,
} from './forms.ts'

/** The wire forms. Fields are those of the types, so that a schema's output is the type. */

/**
 * Free data of a plugin or an application; that it is plain JSON of bounded depth was checked before. Limited, because
 * whoever verifies hashes it: `max` characters of JSON.
 */
const free = (max: number) =>
  z
    .unknown()
    .refine((v) => v !== undefined && JSON.stringify(v).length <= max, { error: `at most ${max} characters of JSON` })
    .transform((v) => v as Json)

const POLICY = 65_536
const APPLICATION = 262_144
const DETAIL = 16_384

const binary = bytes.transform(fromHex)

/** Turns the error of a semantic check into an issue at the value's path. */
const check =
  <T>(run: (value: T) => unknown) =>
  (context: z.core.ParsePayload<T>): void => {
    try {
      run(context.value)
    } catch (error) {
      if (!isVeristackError(error)) throw error
      const { field, expected } = error.details
      context.issues.push({ code: 'custom', message: `${String(expected)} (${String(field)})`, input: context.value })
    }
  }

const elementTypes = Object.keys(ELEMENT_BYTES) as [ElementType, ...ElementType[]]

export const tensor = z
  .strictObject({
    name: label(256),
    type: z.enum(elementTypes),
    shape: z.array(z.int().min(0).max(0x7fffffff)).max(8),
    data: binary,
  })
  .check(check((t) => checkTensor(t, 'data')))

/** The specs of as many tensors as a program may have inputs or outputs, each with a name of 256 bytes. */
const SPECS = 65_536

/** A value in the open is that of 1,024 elements at most; others are digests. */
const VALUE = 2 + 64 * 1024

const commitment = z.strictObject({
  tensor: label(SPECS).refine((t) => t.split(',').length <= 64, { error: 'at most 64 tensors' }),
  scheme: label(),
  value: bytes.refine((v) => v.length <= VALUE, { error: `at most ${(VALUE - 2) / 2} bytes` }),
})

export const claim = z.strictObject({
  request: requestId,
  program: programId,
  inputs: digest,
  outputs: digest,
  requirement: digest,
  claimant: address,
  chainId: uint256,
  contract: address,
  expiresAt: uint64,
})

export const signedClaim = z.strictObject({
  claim,
  inputs: z.array(commitment).max(256),
  outputs: z.array(commitment).max(256),
  signature,
})

export const request = z.strictObject({
  id: requestId,
  program: programId,
  inputs: digest,
  requirement: digest,
  terms: digest,
  payer: address,
  priceWei: uint256,
  nonce: bytes32,
  chainId: uint256,
  contract: address,
  expiresAt: uint64,
})

const leaf = z.strictObject({ tier: tierName, policy: digest })

const inner = (): z.ZodType<readonly Requirement[]> =>
  z
    .array(z.lazy(() => node))
    .min(1)
    .max(31)

const node: z.ZodType<Requirement> = z.union([
  leaf,
  z.strictObject({
    get all() {
      return inner()
    },
  }),
  z.strictObject({
    get any() {
      return inner()
    },
  }),
  z.strictObject({
    atLeast: z.int().min(1).max(31),
    get of() {
      return inner()
    },
  }),
])

export const requirement = node.check(check(checkRequirement))

export const policy = z.strictObject({
  tier: tierName,
  verifier: address,
  codeHash: digest,
  params: bytes,
  offchain: free(POLICY),
})

const terms = z.strictObject({ application: free(APPLICATION), settlement: digest })

export const evidence = z.strictObject({
  kind: evidenceKind,
  version: z.int().min(0).max(0xffffffff),
  claim: digest,
  payload: binary,
  blobs: z.array(blobRef).max(64),
})

export const settlement = z.strictObject({
  network: pattern(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/, 'a CAIP-2 id such as eip155:1'),
  ref: bytes,
  state: z.enum(SETTLEMENT_STATES),
  mode: z.enum(['individual', 'batch']),
  detail: free(DETAIL),
})

export const receipt = z.strictObject({
  version: z.literal(1),
  request,
  requirement,
  policies: z.array(policy).min(1).max(8),
  terms,
  signed: signedClaim,
  outputs: z.array(tensor).max(256),
  salts: z.record(label(SPECS + 129), bytes32),
  evidence: z.array(evidence).max(16),
  settlements: z.array(settlement).max(64),
})

export const anchors = z.strictObject({
  version: z.literal(1),
  anchors: z
    .array(
      z.strictObject({
        program: programId,
        kind: evidenceKind,
        digest,
        origin: z.enum(['development', 'ceremony', 'none']),
      }),
    )
    .max(4096),
})
