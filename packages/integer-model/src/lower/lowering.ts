import { widthOf } from '../commit/index.ts'
import { count, sameShape } from '../primitives/index.ts'
import { ProgramBuilder, type ProgramInput, type Range, type Weights } from '../program/index.ts'
import { constantTensor, nearest, quantiseWeights, rangeOf } from '../quantise/scales.ts'
import type { Statistics } from '../quantise/statistics.ts'
import type { Real } from './operator.ts'

/** How many bits each kind of number gets. */
export interface Bits {
  readonly weights: number
  readonly activations: number
  readonly inputs: number
  /** Bits of the integer factor in front of a rescaling shift; 0 rescales by powers of two alone. */
  readonly multiplier: number
}

/** Bounds that are not applied yet, so that a rescaling in between sees the narrower of both. */
export interface Clamp {
  readonly lo?: bigint
  readonly hi?: bigint
}

/** What a tensor of the float graph became: real = clamp(q) * scale. */
export interface Quantised {
  /** The number of the value in the program. */
  readonly value: number
  readonly shape: readonly number[]
  readonly scale: number
  readonly clamp: Clamp
  /** Nothing else reads the value, so a constant may still be added to the bias that made it. */
  readonly exclusive: boolean
  /** The tensor's name in the model. */
  readonly tensor: string
}

/** A clip that saturates where calibration saw nothing beyond. */
export interface Saturation {
  readonly tensor: string
  /** The value before the clip, to which the tensor's own clamp still applies. */
  readonly value: number
  readonly clamp: Clamp
  /** Where it saturates. */
  readonly range: Range
}

/** Scales of operands of an addition agree to this relative error. */
const ALIGNMENT_ERROR = 2 ** -12
const ALIGNMENT_FACTOR = 2 ** 13
/** A constant is added to an error of at most this share of the scale, where a finer scale allows. */
const ADDEND_ERROR = 2 ** -6
const ADDEND_FACTOR = 2 ** 6

/** Makes the program while the operators are lowered one after the other. */
export class Lowering {
  readonly builder = new ProgramBuilder()
  readonly bits: Bits
  readonly saturations: Saturation[] = []
  readonly #statistics: ReadonlyMap<string, Statistics>
  readonly #share: number
  readonly #readers: ReadonlyMap<string, number>
  readonly #clipped = new Map<string, number>()
  readonly #narrowed = new Map<string, Quantised>()

  /** `share` of a tensor's elements lie below where it saturates; `readers` of each tensor are nodes and outputs. */
  constructor(
    bits: Bits,
    statistics: ReadonlyMap<string, Statistics>,
    share: number,
    readers: ReadonlyMap<string, number>,
  ) {
    this.bits = bits
    this.#statistics = statistics
    this.#share = share
    this.#readers = readers
  }

  readOnce(tensor: string): boolean {
    return this.#readers.get(tensor) === 1
  }

  input(input: ProgramInput): Quantised {
    const value = this.builder.input(input)
    return {
      value,
      shape: input.shape,
      scale: input.quantisation.scale,
      clamp: {},
      exclusive: false,
      tensor: input.name,
    }
  }

  /** A fresh value under the name of the tensor that it stands for. */
  made(value: number, scale: number, tensor: string, exclusive = false): Quantised {
    return { value, shape: this.builder.value(value).shape, scale, clamp: {}, exclusive, tensor }
  }

  /** The range of the clamped value. */
  range({ value, clamp: c }: Quantised): Range {
    const { lo, hi } = this.builder.value(value).range
    return { lo: clamp(lo, c), hi: clamp(hi, c) }
  }

  /** The number of the value with its clamp applied. */
  value(q: Quantised): number {
    const { lo, hi } = this.builder.value(q.value).range
    const bounds: Clamp = {
      ...(q.clamp.lo !== undefined && q.clamp.lo > lo && { lo: q.clamp.lo }),
      ...(q.clamp.hi !== undefined && q.clamp.hi < hi && { hi: q.clamp.hi }),
    }
    if (bounds.lo === undefined && bounds.hi === undefined) return q.value
    const key = `${q.value}:${bounds.lo}:${bounds.hi}`
    const known = this.#clipped.get(key)
    if (known !== undefined) return known
    const clipped = this.builder.node({ op: 'clip', x: q.value, ...bounds })
    this.#clipped.set(key, clipped)
    return clipped
  }

  /** A real constant as integers at a given scale. */
  constantAt({ shape, data }: Real, scale: number): Weights {
    return constantTensor(
      shape,
      data.map((x) => nearest(x / scale)),
    )
  }

  /** A constant of the model as a value of its own. */
  constant(real: Real, tensor: string): Quantised {
    const { weights, scale } = quantiseWeights(real.shape, real.data, this.bits.weights)
    return this.made(this.builder.node({ op: 'constant', constant: weights }), scale, tensor)
  }

  /**
   * The value at a width that a further multiplication can bear: as it is, or rescaled so that what calibration saw of
   * the tensor fills the activation bits, and saturated there.
   */
  narrow(q: Quantised): Quantised {
    const limit = Math.max(this.bits.activations, this.bits.inputs)
    if (widthOf(this.range(q)).width <= limit) return { ...q, value: this.value(q), clamp: {}, exclusive: false }
    const key = `${q.value}:${q.clamp.lo}:${q.clamp.hi}:${q.tensor}`
    const known = this.#narrowed.get(key)
    if (known !== undefined) return known
    const narrowed = this.#rescale(q)
    this.#narrowed.set(key, narrowed)
    return narrowed
  }

  #rescale(q: Quantised): Quantised {
    const target = rangeOf(this.bits.activations, this.range(q).lo < 0n)
    const reach = (this.#statistics.get(q.tensor)?.magnitude(this.#share) ?? 0) / q.scale
    const { factor, shift } = rescaling(reach, Number(target.hi), this.bits.multiplier)
    let value = factor === 1 ? q.value : this.#times(q.value, factor)
    const map = (x: bigint): bigint =>
      shift === 0 ? x * BigInt(factor) : (x * BigInt(factor) + (1n << BigInt(shift - 1))) >> BigInt(shift)
    if (shift > 0) {
      const half = filled(q.shape, 2 ** (shift - 1))
      value =
        factor === 1 && q.exclusive
          ? this.addToBias(value, half.data)
          : this.builder.node({ op: 'add-constant', x: value, constant: half })
      value = this.builder.node({ op: 'floor-shift', x: value, shift })
    }
    // Scaling and rounding keep the order, so the clamp goes through them.
    const moved: Clamp = {
      ...(q.clamp.lo !== undefined && { lo: map(q.clamp.lo) }),
      ...(q.clamp.hi !== undefined && { hi: map(q.clamp.hi) }),
    }
    const scaled: Quantised = {
      ...q,
      value,
      scale: (q.scale * 2 ** shift) / factor,
      clamp: compose(moved, target),
      exclusive: false,
    }
    this.saturations.push({ tensor: q.tensor, value, clamp: moved, range: target })
    return { ...scaled, value: this.value(scaled), clamp: {} }
  }

  /** Adds whole numbers (of the value's shape) to the bias of the linear node that made the value. */
  addToBias(value: number, addend: ArrayLike<number>): number {
    this.builder.addToBias(value, addend)
    return value
  }

  /** q + constant, where the constant has the value's shape. */
  plus(q: Quantised, addend: Real, tensor: string): Quantised {
    const { data } = this.constantAt(addend, q.scale)
    if (q.exclusive && q.clamp.lo === undefined && q.clamp.hi === undefined && sameRows(data, q.shape.at(-1) ?? 1)) {
      return { ...q, value: this.addToBias(q.value, data), tensor, exclusive: this.readOnce(tensor) }
    }
    let x = this.value(q)
    let scale = q.scale
    if (addend.data.some((c) => Math.abs(nearest(c / scale) - c / scale) > ADDEND_ERROR)) {
      x = this.#times(x, ADDEND_FACTOR)
      scale /= ADDEND_FACTOR
    }
    return this.made(
      this.builder.node({ op: 'add-constant', x, constant: this.constantAt(addend, scale) }),
      scale,
      tensor,
    )
  }

  /** q · constant. One number only changes the scale; a tensor of the value's shape becomes integers. */
  times(q: Quantised, factor: Real, tensor: string): Quantised {
    const [first] = factor.data
    if (first !== undefined && first > 0 && factor.data.every((x) => x === first)) {
      return { ...q, scale: q.scale * first, tensor, exclusive: false }
    }
    const { weights, scale } = quantiseWeights(factor.shape, factor.data, this.bits.weights)
    return this.made(
      this.builder.node({ op: 'mul-constant', x: this.value(q), constant: weights }),
      q.scale * scale,
      tensor,
    )
  }

  /** The values at one scale: each is multiplied by a whole number so that the scales agree to 2^-12. */
  align(list: readonly Quantised[]): { readonly values: readonly number[]; readonly scale: number } {
    const finest = Math.min(...list.map((q) => q.scale))
    let scale = finest
    for (let divisor = 1; divisor <= ALIGNMENT_FACTOR; divisor++) {
      scale = finest / divisor
      if (list.every((q) => Math.abs(nearest(q.scale / scale) * scale - q.scale) <= ALIGNMENT_ERROR * q.scale)) break
    }
    return { values: list.map((q) => this.#times(this.value(q), nearest(q.scale / scale))), scale }
  }

  /** The value repeated along axes of size 1, under a shape that it broadcasts to. */
  stretch(q: Quantised, shape: readonly number[]): Quantised {
    if (sameShape(q.shape, shape)) return q
    const from = [...Array.from({ length: shape.length - q.shape.length }, () => 1), ...q.shape]
    let value = this.value(q)
    if (!sameShape(q.shape, from)) value = this.builder.node({ op: 'reshape', x: value, shape: from })
    shape.forEach((size, axis) => {
      if (from[axis] === size) return
      const xs = Array.from({ length: size }, () => value)
      value = this.builder.node({ op: 'concat', xs, axis })
    })
    return this.made(value, q.scale, q.tensor)
  }

  #times(x: number, factor: number): number {
    if (factor === 1) return x
    return this.builder.node({ op: 'mul-constant', x, constant: filled(this.builder.value(x).shape, factor) })
  }
}

/** First `inner`, then `outer`, as one clamp. */
export function compose(inner: Clamp, outer: Clamp): Clamp {
  const lo = inner.lo === undefined ? outer.lo : clamp(inner.lo, outer)
  const hi = inner.hi === undefined ? outer.hi : clamp(inner.hi, outer)
  return { ...(lo !== undefined && { lo }), ...(hi !== undefined && { hi }) }
}

export function clamp(x: bigint, { lo, hi }: Clamp): bigint {
  const raised = lo !== undefined && x < lo ? lo : x
  return hi !== undefined && raised > hi ? hi : raised
}

const sameRows = (data: ArrayLike<number>, width: number): boolean => {
  for (let i = width; i < data.length; i++) if (data[i] !== data[i - width]) return false
  return true
}

function filled(shape: readonly number[], value: number): Weights {
  return constantTensor(shape, new Float64Array(count(shape)).fill(value))
}

/** q' = floor(q · factor / 2^shift + 1/2) brings `reach` to at most `most`, as near as the multiplier's bits allow. */
function rescaling(
  reach: number,
  most: number,
  multiplierBits: number,
): { readonly factor: number; readonly shift: number } {
  let shift = 0
  while (reach / 2 ** shift > most && shift < 62) shift++
  if (multiplierBits === 0 || shift === 0) return { factor: 1, shift }
  const fine = shift + multiplierBits - 1
  const factor = Math.floor((most / reach) * 2 ** fine)
  return { factor, shift: fine }
}
