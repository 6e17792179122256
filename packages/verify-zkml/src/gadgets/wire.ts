import type { Range } from '@veristack/integer-model'
import { fail } from '../errors.ts'
import { type ConstraintSystem, constantForm, type Form, isConstant, isSignal, Sum } from '../r1cs/index.ts'

/** Every form stays below this, so that no sum of a few of them wraps around the field. */
export const BOUND = 1n << 250n

/** x = Σ 2^j · bits[j] − offset with proven bits; `offset` is 0 or 2^(bits.length − 1), where the top bit is "x >= 0". */
export interface Bits {
  readonly bits: readonly Form[]
  readonly offset: bigint
}

/**
 * One element of a value inside the circuit. `range` is enforced: whatever a prover assigns, constraints that hold put
 * the element's integer inside it. It is never taken from the program, only derived from enforced ranges.
 */
export class Wire {
  readonly range: Range
  #form: Form | undefined
  readonly #make: (() => Form) | undefined
  bits: Bits | undefined
  /** Set where this is max(positiveOf, 0): a later shift or upper clip then needs no signal for the value in between. */
  readonly positiveOf: Wire | undefined

  private constructor(
    range: Range,
    form: Form | undefined,
    make: (() => Form) | undefined,
    bits?: Bits,
    positiveOf?: Wire,
  ) {
    if (range.lo <= -BOUND || range.hi >= BOUND) {
      throw fail('VS_ZKML_BOUND_EXCEEDED', {
        details: { expected: 'values below 2^250', got: `${range.lo}..${range.hi}` },
      })
    }
    this.range = range
    this.#form = form
    this.#make = make
    this.bits = bits
    this.positiveOf = positiveOf
  }

  static of(form: Form, range: Range, bits?: Bits): Wire {
    return new Wire(range, form, undefined, bits)
  }
  static constant(value: bigint): Wire {
    return new Wire({ lo: value, hi: value }, constantForm(value), undefined)
  }
  /** max(of, 0), whose signal is made when somebody asks for it. */
  static positivePart(of: Wire, make: () => Form): Wire {
    return new Wire({ lo: 0n, hi: of.range.hi }, undefined, make, undefined, of)
  }

  get form(): Form {
    this.#form ??= this.#make?.() ?? constantForm(0n)
    return this.#form
  }

  /** A form of at most `terms` terms; costs one constraint where the form is longer, and only the first time. */
  short(cs: ConstraintSystem, terms: number): Form {
    this.#form = cs.short(this.form, terms)
    return this.#form
  }

  /** The value as one signal or a constant. */
  signal(cs: ConstraintSystem): Form {
    if (isConstant(this.form) || isSignal(this.form)) return this.form
    return this.short(cs, 0)
  }

  /** Replaces the form by an equal one with fewer terms. */
  shorten(form: Form): void {
    if (form.signals.length < this.form.signals.length) this.#form = form
  }
}

export const weigh = (wires: readonly (readonly [Wire, bigint])[], constant = 0n): Wire => {
  const sum = new Sum(constant)
  let [lo, hi] = [constant, constant]
  for (const [wire, scale] of wires) {
    if (scale === 0n) continue
    sum.add(wire.form, scale)
    lo += scale > 0n ? scale * wire.range.lo : scale * wire.range.hi
    hi += scale > 0n ? scale * wire.range.hi : scale * wire.range.lo
  }
  return Wire.of(sum.form(), { lo, hi })
}

/** The least range that holds all of them; 0..0 for none. */
export function hull(ranges: readonly Range[]): Range {
  let { lo, hi } = ranges[0] ?? { lo: 0n, hi: 0n }
  for (const range of ranges) {
    if (range.lo < lo) lo = range.lo
    if (range.hi > hi) hi = range.hi
  }
  return { lo, hi }
}
