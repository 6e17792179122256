import { concatBytes } from '@noble/hashes/utils.js'
import type { Artefacts, Blobs } from '@veristack/core'
import { type Digest, fromHex, toHex } from '@veristack/core/receipt'
import type { Circuit } from './circuit/compile.ts'
import { anchorDigest, type CircuitLayout, circuitId, decodeLayout, encodeLayout } from './circuit/layout.ts'
import { fail } from './errors.ts'
import { EVIDENCE_KIND } from './evidence.ts'
import { verifyingKeyBytes } from './groth16/bytes.ts'
import type { Keys } from './keys/setup.ts'

const MEDIA = {
  zkey: 'application/vnd.iden3.zkey',
  'verifying-key': 'application/vnd.veristack.groth16-verifying-key',
  circuit: 'application/vnd.veristack.circuit-layout',
} as const

/** What the small blobs of artefacts say, checked against the anchor. */
export interface PublishedCircuit {
  readonly id: Digest
  readonly layout: CircuitLayout
  readonly r1csHash: Digest
  readonly verifyingKey: Uint8Array
}

/** Stores keys and layout; `circuit` is the layout followed by the R1CS hash. */
export async function publish(circuit: Circuit, keys: Keys, blobs: Blobs): Promise<Artefacts> {
  const key = verifyingKeyBytes(keys.verifyingKey)
  return {
    kind: EVIDENCE_KIND,
    program: circuit.program,
    anchor: anchorDigest(circuit.id, key),
    origin: keys.origin,
    blobs: {
      zkey: await blobs.put(keys.zkey, MEDIA.zkey),
      'verifying-key': await blobs.put(key, MEDIA['verifying-key']),
      circuit: await blobs.put(concatBytes(encodeLayout(circuit.layout), fromHex(circuit.r1csHash)), MEDIA.circuit),
    },
  }
}

/** Throws `VS_ZKML_KEY_MISMATCH` for artefacts of another kind or whose parts do not give their anchor. */
export async function readPublished(
  artefacts: Artefacts,
  blobs: Blobs,
  signal?: AbortSignal,
): Promise<PublishedCircuit> {
  if (artefacts.kind !== EVIDENCE_KIND) throw mismatch('kind', EVIDENCE_KIND, artefacts.kind)
  const [verifyingKey, bytes] = await Promise.all([
    readBlob(artefacts, 'verifying-key', blobs, signal),
    readBlob(artefacts, 'circuit', blobs, signal),
  ])
  const layoutBytes = bytes.subarray(0, -32)
  const layout = decodeLayout(layoutBytes)
  if (bytes.length < 32 || layout === undefined)
    throw mismatch('circuit', 'a layout and an R1CS hash', `${bytes.length} other bytes`)
  const r1csHash = toHex(bytes.subarray(-32)) as Digest
  const id = circuitId(artefacts.program, layoutBytes, r1csHash)
  const anchor = anchorDigest(id, verifyingKey)
  if (anchor !== artefacts.anchor) throw mismatch('anchor', artefacts.anchor, anchor)
  return { id, layout, r1csHash, verifyingKey }
}

export async function readBlob(
  artefacts: Artefacts,
  name: keyof typeof MEDIA,
  blobs: Blobs,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const ref = artefacts.blobs[name]
  if (ref === undefined) throw mismatch('blobs', name, Object.keys(artefacts.blobs).join(', '))
  return blobs.get(ref, signal)
}

export const mismatch = (field: string, expected: string, got: string) =>
  fail('VS_ZKML_KEY_MISMATCH', { details: { field, expected, got } })
