import { concatBytes } from '@noble/hashes/utils.js'
import { type Digest, fromHex, toHex } from '@veristack/core/receipt'
import { POSEIDON_SCHEME } from '@veristack/integer-model/commit'
import { type CircuitLayout, decodeLayout, encodeLayout, FIXED_SIGNALS, PUBLIC_ELEMENTS } from './circuit/layout.ts'
import type { Proof, VerifyingKey } from './groth16/backend.ts'
import { PROOF_BYTES, parseProof, parseVerifyingKey, verifyingKeyLength } from './groth16/bytes.ts'

export const EVIDENCE_KIND = 'zkml/groth16-bn254'
export const EVIDENCE_VERSION = 1

/** Everything that is needed to check a proof but the claim and the anchor. */
export interface ZkmlEvidence {
  /** 256 bytes: A ‖ B ‖ C. */
  readonly proof: Uint8Array
  readonly layout: CircuitLayout
  readonly r1csHash: Digest
  readonly verifyingKey: Uint8Array
}

export interface ParsedEvidence extends ZkmlEvidence {
  readonly layoutBytes: Uint8Array
  readonly points: { readonly proof: Proof; readonly key: VerifyingKey }
}

/** proof ‖ length of the layout (u32) ‖ layout ‖ R1CS hash ‖ verifying key. */
export function encodeEvidence({ proof, layout, r1csHash, verifyingKey }: ZkmlEvidence): Uint8Array {
  const bytes = encodeLayout(layout)
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return concatBytes(proof, length, bytes, fromHex(r1csHash), verifyingKey)
}

/** The evidence in a payload, or undefined where the payload is not exactly one. */
export function decodeEvidence(payload: Uint8Array): ParsedEvidence | undefined {
  const layoutAt = PROOF_BYTES + 4
  if (payload.length < layoutAt) return undefined
  const layoutLength = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(PROOF_BYTES)
  const hashAt = layoutAt + layoutLength
  const keyAt = hashAt + 32
  if (payload.length < keyAt) return undefined
  const layoutBytes = payload.subarray(layoutAt, hashAt)
  const layout = decodeLayout(layoutBytes)
  if (layout === undefined || !isProvable(layout)) return undefined
  const verifyingKey = payload.subarray(keyAt)
  if (verifyingKey.length !== verifyingKeyLength(signalCount(layout))) return undefined
  const proof = payload.subarray(0, PROOF_BYTES)
  const [proofPoints, key] = [parseProof(proof), parseVerifyingKey(verifyingKey)]
  if (proofPoints === undefined || key === undefined) return undefined
  return {
    proof,
    layout,
    layoutBytes,
    r1csHash: toHex(payload.subarray(hashAt, keyAt)) as Digest,
    verifyingKey,
    points: { proof: proofPoints, key },
  }
}

const publicElements = (layout: CircuitLayout): number =>
  layout.outputs.filter((e) => e.scheme !== POSEIDON_SCHEME).reduce((n, e) => n + e.count, 0)

export const signalCount = (layout: CircuitLayout): number => FIXED_SIGNALS + publicElements(layout)

/** The form that circuits have: one commitment of the inputs, at most one of outputs and before the raw ones. */
function isProvable(layout: CircuitLayout): boolean {
  const isCommitted = layout.outputs.map((e) => e.scheme === POSEIDON_SCHEME)
  return (
    layout.inputs.length === 1 &&
    layout.inputs[0]?.scheme === POSEIDON_SCHEME &&
    isCommitted.lastIndexOf(true) <= 0 &&
    layout.outputs.every((e, i) => isCommitted[i] || (e.scheme === 'raw/v1' && e.tensors.length === 1)) &&
    publicElements(layout) <= PUBLIC_ELEMENTS
  )
}
