import { mod } from './field.ts'

/**
 * A linear form Σ coefficients[i] · signals[i] + constant over the scalar field. Signals are distinct and ascending by
 * nothing in particular; coefficients are integers of either sign, none of them zero.
 */
export interface Form {
  readonly signals: readonly number[]
  readonly coefficients: readonly bigint[]
  readonly constant: bigint
}

export const constantForm = (constant: bigint): Form => ({ signals: [], coefficients: [], constant })
export const signalForm = (signal: number): Form => ({ signals: [signal], coefficients: [1n], constant: 0n })
export const ONE = constantForm(1n)

export const isConstant = (f: Form): boolean => f.signals.length === 0
/** Whether the form is one signal as it is. */
export const isSignal = (f: Form): boolean => f.signals.length === 1 && f.coefficients[0] === 1n && f.constant === 0n

/** Adds up scaled forms; terms of the same signal are merged. */
export class Sum {
  readonly #terms = new Map<number, bigint>()
  #constant: bigint

  constructor(constant = 0n) {
    this.#constant = constant
  }

  add(form: Form, scale = 1n): this {
    if (scale === 0n) return this
    const { signals, coefficients } = form
    for (let i = 0; i < signals.length; i++) {
      const signal = signals[i] as number
      const term = (coefficients[i] as bigint) * scale
      const before = this.#terms.get(signal)
      this.#terms.set(signal, before === undefined ? term : before + term)
    }
    this.#constant += form.constant * scale
    return this
  }

  /** `reduced`: coefficients as canonical field elements, for forms that are not small integers. */
  form(reduced = false): Form {
    const signals: number[] = []
    const coefficients: bigint[] = []
    for (const [signal, exact] of this.#terms) {
      const coefficient = reduced ? mod(exact) : exact
      if (coefficient === 0n) continue
      signals.push(signal)
      coefficients.push(coefficient)
    }
    return { signals, coefficients, constant: reduced ? mod(this.#constant) : this.#constant }
  }
}

export const scaled = (f: Form, scale: bigint): Form => new Sum().add(f, scale).form()
export const plus = (a: Form, b: Form): Form => new Sum().add(a).add(b).form()
export const minus = (a: Form, b: Form): Form => new Sum().add(a).add(b, -1n).form()
export const offset = (f: Form, by: bigint): Form => ({ ...f, constant: f.constant + by })

/** The exact integer value of the form; not reduced. */
export function evaluate(f: Form, values: readonly bigint[]): bigint {
  let sum = f.constant
  for (let i = 0; i < f.signals.length; i++)
    sum += (f.coefficients[i] as bigint) * (values[f.signals[i] as number] as bigint)
  return sum
}
