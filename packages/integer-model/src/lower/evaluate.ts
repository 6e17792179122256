import type { Real } from './operator.ts'
import type { Plan } from './plan.ts'

/** Every tensor of the model in real numbers (double), by name; constants left out. */
export function evaluate(plan: Plan, inputs: ReadonlyMap<string, Real>): Map<string, Real> {
  const known = new Map(inputs)
  for (const { site, operator, output } of plan.steps) {
    const operands = site.node.inputs.map((name) => known.get(name) ?? plan.facts.get(name)?.constant)
    known.set(output, operator.evaluate(site, operands))
  }
  return known
}
