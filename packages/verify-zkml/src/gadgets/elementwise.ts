import type { Weights } from '@veristack/integer-model'
import { type Wire, weigh } from './wire.ts'

/* Soundness: linear forms of enforced operands, as in linear.ts. None of these costs a constraint. */

const at = (w: Weights, i: number): bigint => BigInt(w.data[i] as number)

export const addition = (a: readonly Wire[], b: readonly Wire[]): readonly Wire[] =>
  a.map((x, i) =>
    weigh([
      [x, 1n],
      [b[i] as Wire, 1n],
    ]),
  )

export const subtraction = (a: readonly Wire[], b: readonly Wire[]): readonly Wire[] =>
  a.map((x, i) =>
    weigh([
      [x, 1n],
      [b[i] as Wire, -1n],
    ]),
  )

export const addConstant = (x: readonly Wire[], constant: Weights): readonly Wire[] =>
  x.map((w, i) => (at(constant, i) === 0n ? w : weigh([[w, 1n]], at(constant, i))))

export const mulConstant = (x: readonly Wire[], constant: Weights): readonly Wire[] =>
  x.map((w, i) => (at(constant, i) === 1n ? w : weigh([[w, at(constant, i)]])))
