import { type ConstraintSystem, constantForm, type Form, isConstant, mod, Sum } from '../r1cs/index.ts'
import { FULL_ROUNDS, type PoseidonParameters, poseidonParameters } from './poseidon-parameters.ts'

/*
 * Soundness. Every S-box is three products of forms over earlier signals, everything between them is linear with public
 * coefficients: the output is a function of the inputs and the prover chooses nothing. Values here are field elements
 * and wrap by design.
 */

/** A longer operand gets a signal: one more constraint, against three sparse rows that a prover and a setup pay for. */
const LONG = 64

/**
 * Poseidon of 1 to 16 elements: 3 · (8 t + partial rounds) constraints less those of constant operands, and one for each operand of
 * more than 64 terms; 650 for t = 17. */
export function poseidon(cs: ConstraintSystem, inputs: readonly Form[]): Form {
  const parameters = poseidonParameters(inputs.length + 1)
  const { t, partialRounds, constants, matrix } = parameters
  const half = FULL_ROUNDS / 2
  const constant = (round: number, i: number) => constants[round * t + i] as bigint
  const fullRound = (state: readonly Form[], round: number) =>
    multiply(
      matrix,
      state.map((x, i) => fifthPower(cs, added(x, constant(round, i)))),
    )

  let state: readonly Form[] = [constantForm(0n), ...inputs]
  for (let round = 0; round < half; round++) state = fullRound(state, round)
  state = partialBlock(cs, parameters, state, half)
  for (let round = half + partialRounds; round < FULL_ROUNDS + partialRounds - 1; round++)
    state = fullRound(state, round)
  const last = FULL_ROUNDS + partialRounds - 1
  const boxed = state.map((x, i) => fifthPower(cs, added(x, constant(last, i))))
  return combine(matrix[0] as readonly bigint[], boxed)
}

const added = (f: Form, c: bigint): Form => ({ ...f, constant: mod(f.constant + c) })

function combine(row: readonly bigint[], state: readonly Form[]): Form {
  const sum = new Sum()
  for (let i = 0; i < state.length; i++) sum.add(state[i] as Form, row[i] as bigint)
  return sum.form(true)
}

const multiply = (matrix: PoseidonParameters['matrix'], state: readonly Form[]): readonly Form[] =>
  matrix.map((row) => combine(row, state))

function fifthPower(cs: ConstraintSystem, x: Form): Form {
  if (isConstant(x)) return constantForm(mod(x.constant ** 5n))
  const product = (a: Form, b: Form): Form => {
    const result = cs.signal((w) => mod(w.value(a) * w.value(b)))
    cs.constrain(a, b, result)
    return result
  }
  const base = cs.short(x, LONG)
  const square = product(base, base)
  return product(base, product(square, square))
}

type Matrix = readonly (readonly bigint[])[]

/**
 * All partial rounds at once. Between S-boxes everything is linear: with M the matrix, N the same with its first column
 * zero and C_r the constants, one round maps s to N (s + C_r) + out · M e0. After r rounds the state is
 * N^r s + Σ_k N^(r−1−k) M e0 · out_k + constants, so every S-box reads a form over the t first elements and the earlier
 * outputs, found with t² products a round.
 */
function partialBlock(
  cs: ConstraintSystem,
  parameters: PoseidonParameters,
  state: readonly Form[],
  from: number,
): readonly Form[] {
  const { t, partialRounds, constants, matrix } = parameters
  const zeroed = matrix.map((row) => [0n, ...row.slice(1)])
  /** echoes[d] = N^d M e0: what an output adds to the state d rounds after its own. */
  const echoes: (readonly bigint[])[] = [matrix.map((row) => row[0] as bigint)]
  let first: readonly bigint[] = matrix.map((_, i) => (i === 0 ? 1n : 0n))
  let shift: readonly bigint[] = matrix.map(() => 0n)
  const outs: Form[] = []
  for (let round = 0; round < partialRounds; round++) {
    const moved = shift.map((c, i) => c + (constants[(from + round) * t + i] as bigint))
    const sum = new Sum(moved[0])
    for (let i = 0; i < t; i++) sum.add(state[i] as Form, first[i] as bigint)
    for (let k = 0; k < round; k++) sum.add(outs[k] as Form, (echoes[round - 1 - k] as readonly bigint[])[0] as bigint)
    outs.push(fifthPower(cs, sum.form(true)))
    echoes.push(apply(zeroed, echoes[round] as readonly bigint[]))
    shift = apply(zeroed, moved)
    first = zeroed.map((_, j) =>
      mod(first.reduce((acc, v, i) => acc + v * ((zeroed[i] as readonly bigint[])[j] as bigint), 0n)),
    )
  }
  const reach = power(zeroed, partialRounds)
  return reach.map((row, i) => {
    const sum = new Sum(shift[i])
    for (let j = 0; j < t; j++) sum.add(state[j] as Form, row[j] as bigint)
    for (let k = 0; k < partialRounds; k++)
      sum.add(outs[k] as Form, (echoes[partialRounds - 1 - k] as readonly bigint[])[i] as bigint)
    return sum.form(true)
  })
}

const apply = (m: Matrix, v: readonly bigint[]): readonly bigint[] =>
  m.map((row) => mod(row.reduce((sum, c, j) => sum + c * (v[j] as bigint), 0n)))

const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) =>
    row.map((_, j) => mod(row.reduce((sum, c, k) => sum + c * ((b[k] as readonly bigint[])[j] as bigint), 0n))),
  )

function power(m: Matrix, exponent: number): Matrix {
  if (exponent === 1) return m
  const half = power(m, exponent >> 1)
  const square = times(half, half)
  return exponent % 2 === 1 ? times(square, m) : square
}
