import { Q, writeLittleEndian } from '../r1cs/index.ts'

/** Bytes of an affine point in iden3's files: coordinates in little-endian Montgomery form. */
export const G1_BYTES = 64
export const G2_BYTES = 128

export interface PtauSection {
  readonly id: number
  readonly bytes: number
}

/**
 * Sections of a prepared phase-1 file of a power, in the order in which they are written: header, powers of tau in G1
 * and G2, times alpha, times beta, beta in G2, contributions; then the Lagrange points of every power up to it (for
 * tau in G1 one power more).
 */
export function ptauSections(power: number): readonly PtauSection[] {
  const n = 2 ** power
  return [
    { id: 1, bytes: 4 + 32 + 4 + 4 },
    { id: 2, bytes: (2 * n - 1) * G1_BYTES },
    { id: 3, bytes: n * G2_BYTES },
    { id: 4, bytes: n * G1_BYTES },
    { id: 5, bytes: n * G1_BYTES },
    { id: 6, bytes: G2_BYTES },
    { id: 12, bytes: (4 * n - 1) * G1_BYTES },
    { id: 13, bytes: (2 * n - 1) * G2_BYTES },
    { id: 14, bytes: (2 * n - 1) * G1_BYTES },
    { id: 15, bytes: (2 * n - 1) * G1_BYTES },
  ]
}

/** `sections` by id; 1 is made here and 7 says that there was no ceremony. */
export function encodePtau(power: number, sections: ReadonlyMap<number, Uint8Array>): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(44)
  const view = new DataView(header.buffer)
  view.setUint32(0, 32, true)
  writeLittleEndian(view, 4, Q)
  view.setUint32(36, power, true)
  view.setUint32(40, power, true)
  const all = new Map<number, Uint8Array>([...sections, [1, header], [7, new Uint8Array(4)]])
  const order = [...all].sort(([a], [b]) => a - b)
  const out = new Uint8Array(12 + order.reduce((n, [, bytes]) => n + 12 + bytes.length, 0))
  const w = new DataView(out.buffer)
  out.set([0x70, 0x74, 0x61, 0x75])
  w.setUint32(4, 1, true)
  w.setUint32(8, order.length, true)
  let at = 12
  for (const [id, bytes] of order) {
    w.setUint32(at, id, true)
    w.setBigUint64(at + 4, BigInt(bytes.length), true)
    out.set(bytes, at + 12)
    at += 12 + bytes.length
  }
  return out
}
