/**
 * MurmurHash3_x86_32 by Austin Appleby (public domain), over bytes; the result is unsigned. Not a cryptographic hash:
 * anybody can make texts that collide.
 */
export function murmur3(key: Uint8Array, seed = 0): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  const whole = key.length & ~3
  let h = seed | 0
  for (let i = 0; i < whole; i += 4) {
    h ^= scramble(view.getUint32(i, true))
    h = (Math.imul(rotateLeft(h, 13), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = key.length - 1; i >= whole; i--) tail = (tail << 8) | view.getUint8(i)
  if (whole < key.length) h ^= scramble(tail)
  h ^= key.length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const scramble = (k: number): number => Math.imul(rotateLeft(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593)
const rotateLeft = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits))
