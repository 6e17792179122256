import type { Circuit } from './compile.ts'

/** How large a circuit is and what of the program costs what. */
export interface CircuitReport {
  readonly constraints: number
  readonly signals: number
  readonly publicSignals: number
  /** Phase 1 of this power of two suffices. */
  readonly power: number
  /** Terms over all constraints: what setup and memory pay for. */
  readonly terms: number
  /** Constraints by node, in the order in which they were made. */
  readonly byNode: readonly { readonly node: string; readonly constraints: number }[]
}

export function circuitReport({ system }: Pick<Circuit, 'system'>): CircuitReport {
  const { constraints, signalCount, publicCount, constraintsByScope } = system
  return {
    constraints: constraints.length,
    signals: signalCount,
    publicSignals: publicCount,
    power: powerOf({ system }),
    terms: constraints.reduce((n, { a, b, c }) => n + a.signals.length + b.signals.length + c.signals.length, 0),
    byNode: [...constraintsByScope].map(([node, count]) => ({ node, constraints: count })),
  }
}

/** Least power of two that holds the constraints and one row for each public signal and the one. */
export const powerOf = ({ system }: Pick<Circuit, 'system'>): number =>
  Math.floor(Math.log2(system.constraints.length + system.publicCount)) + 1
