/** Order of BN254's scalar field: what signals are reduced by. EIP-196. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n
/** The field that curve coordinates live in. EIP-196. */
export const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n

/** Bytes of one field element in every file format here. */
export const FIELD_BYTES = 32

export function mod(value: bigint): bigint {
  const rest = value % R
  return rest < 0n ? rest + R : rest
}

/** The representative closest to zero: how a small signed integer is read back. */
export function centred(value: bigint): bigint {
  const canonical = mod(value)
  return canonical > R / 2n ? canonical - R : canonical
}

export function inverse(value: bigint): bigint {
  let [a, b] = [mod(value), R]
  let [x, y] = [1n, 0n]
  if (a === 0n) throw new RangeError('zero has no inverse')
  while (a > 1n) {
    const quotient = b / a
    ;[a, b] = [b - quotient * a, a]
    ;[x, y] = [y - quotient * x, x]
  }
  return mod(x)
}

/** Writes a canonical value little-endian. */
export function writeLittleEndian(view: DataView, at: number, value: bigint): void {
  for (let limb = 0; limb < 4; limb++)
    view.setBigUint64(at + 8 * limb, (value >> BigInt(64 * limb)) & 0xffffffffffffffffn, true)
}

export function readLittleEndian(view: DataView, at: number): bigint {
  let value = 0n
  for (let limb = 3; limb >= 0; limb--) value = (value << 64n) | view.getBigUint64(at + 8 * limb, true)
  return value
}
