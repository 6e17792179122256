import * as lite from 'poseidon-lite'
import { ConstraintSystem, evaluate, firstViolation, R, signalForm } from '../r1cs/index.ts'
import { poseidon } from './poseidon.ts'

const reference = lite as unknown as Record<string, (inputs: readonly bigint[]) => bigint>

describe('poseidon', () => {
  test.each(Array.from({ length: 16 }, (_, i) => i + 1))(
    'agrees with an independent implementation for %i elements',
    (arity) => {
      const cs = new ConstraintSystem()
      const inputs = cs.signals(arity, (w) => Array.from({ length: arity }, (_, i) => w.given('x', i)))
      const hash = poseidon(cs, inputs)
      const x = Array.from({ length: arity }, (_, i) => (BigInt(i + 1) * 0x1234567890abcdefn ** 5n) % R)
      const values = cs.solve({ x })
      expect(firstViolation(cs.constraints, values)).toBeUndefined()
      expect(evaluate(hash, values) % R).toBe(reference[`poseidon${arity}`]?.(x))
      expect(cs.constraints.length).toBeLessThanOrEqual(650)
    },
  )

  test('every intermediate signal is forced', () => {
    const cs = new ConstraintSystem()
    const inputs = cs.signals(2, (w) => [w.given('x', 0), w.given('x', 1)])
    poseidon(cs, inputs)
    const values = cs.solve({ x: [1n, 2n] })
    for (let s = 3; s < cs.signalCount; s++) {
      const changed = [...values]
      changed[s] = ((changed[s] as bigint) + 1n) % R
      expect(firstViolation(cs.constraints, changed)).toBeDefined()
    }
    expect(signalForm(1)).toEqual(inputs[0])
  })
})
