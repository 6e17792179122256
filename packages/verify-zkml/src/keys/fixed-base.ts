import { writeLittleEndian } from '../r1cs/index.ts'

/** The compiled curve as ffjavascript builds it: code, and where the generators lie in its memory. */
export interface CurveModule {
  readonly code: Uint8Array
  readonly generators: { readonly g1: number; readonly g2: number }
  /** Pages of 64 KiB that the module wants at least. */
  readonly pages: number
}

export type Group = 'g1m' | 'g2m'

const COORDINATE = { g1m: 32, g2m: 64 } as const
const SCALAR_BITS = 254
/** Points that are made affine together. */
const BATCH = 2048
/** What the module takes for itself behind what was allocated: batch inversions of at most 2^15 coordinates. */
const SCRATCH = 2 ** 15 * 64 * 2

/** What is used of the global, which the compiler's libraries for Node do not describe. */
interface Wasm {
  readonly Memory: new (descriptor: {
    readonly initial: number
  }) => { readonly buffer: ArrayBuffer; grow(pages: number): number }
  instantiate(
    code: Uint8Array,
    imports: object,
  ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>
}
const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: Wasm }

type Call = (...pointers: number[]) => void

/**
 * Many multiples of a generator by windows: a table holds every multiple of 2^(c·w) · G for every window w, so that one
 * product is a sum of 254 / c table entries. Fast, and not constant in time: for development keys only, whose secrets
 * are worth nothing.
 */
export async function fixedBase(curve: CurveModule) {
  const memory = new wasm.Memory({ initial: curve.pages })
  const { instance } = await wasm.instantiate(Uint8Array.from(curve.code), { env: { memory } })
  const call = (name: string): Call => {
    const found = instance.exports[name]
    if (typeof found !== 'function') throw new TypeError(`the curve module has no ${name}`)
    return found as Call
  }
  let free = new Uint32Array(memory.buffer)[0] ?? 0
  const allocate = (bytes: number): number => {
    const at = (free + 7) & ~7
    free = at + bytes
    const missing = free + SCRATCH - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / 65536))
    // The module's own allocator starts behind what was taken.
    new Uint32Array(memory.buffer)[0] = free
    return at
  }

  /** Affine points, in the files' form, for canonical scalars. */
  return async function multiply(
    group: Group,
    scalars: readonly bigint[],
    progress: (done: number) => void = () => {},
  ): Promise<Uint8Array> {
    const start = free
    const affine = 2 * COORDINATE[group]
    const jacobian = 3 * COORDINATE[group]
    const width = bestWidth(scalars.length)
    const windows = Math.ceil(SCALAR_BITS / width)
    const size = 2 ** width
    const [add, addMixed, double, toAffine, toJacobian, zero] = [
      'add',
      'addMixed',
      'double',
      'batchToAffine',
      'toJacobian',
      'zero',
    ].map((n) => call(`${group}_${n}`))
    if (!add || !addMixed || !double || !toAffine || !toJacobian || !zero)
      throw new TypeError('the curve module is incomplete')

    const table = allocate(windows * size * affine)
    const row = allocate(size * jacobian)
    const base = allocate(jacobian)
    toJacobian(group === 'g1m' ? curve.generators.g1 : curve.generators.g2, base)
    for (let w = 0; w < windows; w++) {
      zero(row)
      for (let j = 1; j < size; j++) add(row + (j - 1) * jacobian, base, row + j * jacobian)
      toAffine(row, size, table + w * size * affine)
      for (let i = 0; i < width; i++) double(base, base)
    }

    const sums = allocate(BATCH * jacobian)
    const points = allocate(BATCH * affine)
    const out = new Uint8Array(scalars.length * affine)
    const digits = new Uint8Array(36)
    const view = new DataView(digits.buffer)
    const mask = size - 1
    for (let from = 0; from < scalars.length; from += BATCH) {
      const batch = scalars.slice(from, from + BATCH)
      batch.forEach((scalar, i) => {
        writeLittleEndian(view, 0, scalar)
        const sum = sums + i * jacobian
        zero(sum)
        for (let w = 0; w < windows; w++) {
          const bit = w * width
          const digit = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & mask
          if (digit !== 0) addMixed(sum, table + (w * size + digit) * affine, sum)
        }
      })
      toAffine(sums, batch.length, points)
      out.set(new Uint8Array(memory.buffer, points, batch.length * affine), from * affine)
      progress(from + batch.length)
      // Timers, a lock's refresh among them, run in between.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    free = start
    return out
  }
}

/** The window width that needs the fewest additions for this many products. */
function bestWidth(products: number): number {
  const cost = (c: number) => Math.ceil(SCALAR_BITS / c) * (products + 2 ** c)
  return Array.from({ length: 14 }, (_, i) => i + 2).reduce((best, c) => (cost(c) < cost(best) ? c : best), 2)
}
