import { centred, mod } from './field.ts'
import { constantForm, evaluate, type Form, isConstant, ONE, Sum, scaled, signalForm } from './form.ts'

/** A · B = C. The long side of a dense row belongs in C, which costs the prover nothing. */
export interface Constraint {
  readonly a: Form
  readonly b: Form
  readonly c: Form
}

/** What a hint may look at: forms over earlier signals, as the integers closest to zero, and what the caller supplied. */
export interface Assignment {
  value(form: Form): bigint
  given(group: string, index: number): bigint
}

type Hint = (assignment: Assignment) => readonly bigint[]

/** Values by group, for the signals that are not computed. */
export type Given = Readonly<Record<string, readonly bigint[]>>

/**
 * Signals, constraints over them, and how an honest prover fills the signals. Signal 0 is the constant one, the public
 * signals follow, then the others in the order in which they were made.
 *
 * A hint is advice to the prover and proves nothing: whatever must hold is a constraint.
 */
export class ConstraintSystem {
  readonly #constraints: Constraint[] = []
  readonly #steps: { readonly first: number; readonly hint: Hint }[] = []
  readonly #exposed: { readonly signal: number; readonly form: Form }[] = []
  readonly #byScope = new Map<string, number>()
  #scope = 'other'
  #signals = 1
  #publics = 0

  get constraints(): readonly Constraint[] {
    return this.#constraints
  }
  /** With the constant one. */
  get signalCount(): number {
    return this.#signals
  }
  get publicCount(): number {
    return this.#publics
  }
  /** Constraints by the scope that was open when they were added. */
  get constraintsByScope(): ReadonlyMap<string, number> {
    return this.#byScope
  }

  /** Counts what `build` adds under a name. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope
    this.#scope = name
    try {
      return build()
    } finally {
      this.#scope = outer
    }
  }

  /** A public signal whose value is supplied. All public signals are declared before any other. */
  publicInput(hint: (assignment: Assignment) => bigint): Form {
    return signalForm(this.#public((assignment) => [hint(assignment)]))
  }

  /** A public signal that {@link expose} will tie to a form. */
  publicOutput(): Form {
    return signalForm(this.#public(undefined))
  }

  #public(hint: Hint | undefined): number {
    if (this.#signals !== this.#publics + 1) throw new TypeError('public signals are declared first')
    this.#publics++
    if (hint !== undefined) return this.#allocate(1, hint)
    return this.#signals++
  }

  /** Proves that the public output equals the form. */
  expose(output: Form, form: Form): void {
    this.equal(output, form)
    this.#exposed.push({ signal: output.signals[0] as number, form })
  }

  signal(hint: (assignment: Assignment) => bigint): Form {
    return signalForm(this.#allocate(1, (assignment) => [hint(assignment)]))
  }

  signals(count: number, hint: Hint): readonly Form[] {
    const first = this.#allocate(count, hint)
    return Array.from({ length: count }, (_, i) => signalForm(first + i))
  }

  #allocate(count: number, hint: Hint): number {
    const first = this.#signals
    this.#signals += count
    this.#steps.push({ first, hint })
    return first
  }

  constrain(a: Form, b: Form, c: Form): void {
    this.#constraints.push({ a, b, c })
    this.#byScope.set(this.#scope, (this.#byScope.get(this.#scope) ?? 0) + 1)
  }

  /**
   * left = right, with `right` as the long side. Negative terms change sides: a setup pays for the length of each
   * coefficient, and p − 1 is as long as they get.
   */
  equal(left: Form, right: Form): void {
    const positive = new Sum()
    const negative = new Sum()
    for (const [form, scale] of [
      [left, -1n],
      [right, 1n],
    ] as const) {
      const signed = scaled(form, scale)
      for (let i = 0; i < signed.signals.length; i++) {
        const coefficient = signed.coefficients[i] as bigint
        const term = { signals: [signed.signals[i] as number], coefficients: [coefficient], constant: 0n }
        if (coefficient > 0n) positive.add(term)
        else negative.add(term, -1n)
      }
      if (signed.constant > 0n) positive.add(constantForm(signed.constant))
      else negative.add(constantForm(signed.constant), -1n)
    }
    const [a, b] = [negative.form(), positive.form()]
    if (a.signals.length <= b.signals.length) this.constrain(a, ONE, b)
    else this.constrain(b, ONE, a)
  }

  /** Proves that the signal is 0 or 1. */
  boolean(signal: Form): void {
    this.constrain(signal, signal, signal)
  }

  /** A signal that equals a product. A product with a constant stays a form in the caller's hands. */
  product(a: Form, b: Form): Form {
    const result = this.signal((w) => w.value(a) * w.value(b))
    this.constrain(a, b, result)
    return result
  }

  /** The form itself where it is short, else a signal that equals it. */
  short(form: Form, terms: number): Form {
    if (isConstant(form) || form.signals.length <= terms) return form
    const result = this.signal((w) => w.value(form))
    this.equal(result, form)
    return result
  }

  /**
   * Canonical values of all signals, in order. `cheat` replaces what hints say of some signals, and what is computed
   * from them follows: how a dishonest prover is played in tests.
   */
  solve(given: Given, cheat: ReadonlyMap<number, bigint> = new Map()): bigint[] {
    const values: bigint[] = new Array(this.#signals)
    values[0] = 1n
    const assignment: Assignment = {
      value: (form) => centred(evaluate(form, values)),
      given: (group, index) => {
        const value = given[group]?.[index]
        if (value === undefined) throw new TypeError(`no value ${index} was supplied for ${group}`)
        return value
      },
    }
    for (const { first, hint } of this.#steps) {
      const result = hint(assignment)
      for (let i = 0; i < result.length; i++) values[first + i] = cheat.get(first + i) ?? (result[i] as bigint)
    }
    for (const { signal, form } of this.#exposed) values[signal] = evaluate(form, values)
    return values.map(mod)
  }
}
