import fc from 'fast-check'
import { parseDigest } from './hex.ts'
import {
  checkRequirement,
  evaluateRequirement,
  type Leaf,
  leaves,
  MAX_LEAVES,
  offchainPolicy,
  policyDigest,
  type Requirement,
  requirementDigest,
  requirementFormula,
  sameLeaf,
  type Ternary,
} from './requirement.ts'

const leaf = (i: number): Leaf => ({ tier: `tier-${i}`, policy: parseDigest(`0x${String(i).padStart(64, '0')}`) })
const LEAVES = Array.from({ length: MAX_LEAVES }, (_, i) => leaf(i))

const { requirement } = fc.letrec<{ requirement: Requirement }>((tie) => {
  const of = fc.array(tie('requirement'), { minLength: 1, maxLength: 3 })
  return {
    requirement: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom(...LEAVES),
      fc.record({ all: of }),
      fc.record({ any: of }),
      of.chain((inner) => fc.record({ atLeast: fc.integer({ min: 1, max: inner.length }), of: fc.constant(inner) })),
    ),
  }
})

const usable = requirement.filter((r) => {
  try {
    checkRequirement(r)
    return true
  } catch {
    return false
  }
})

const values = fc.array(fc.constantFrom<Ternary>('true', 'unknown', 'false'), {
  minLength: MAX_LEAVES,
  maxLength: MAX_LEAVES,
})
const judge = (list: readonly Ternary[]) => (l: Leaf) => list[LEAVES.findIndex((x) => sameLeaf(x, l))] ?? 'false'

/** What a contract does: a stack machine over the formula. Shares no code with the package. */
function runFormula(formula: Uint8Array, bitmap: readonly boolean[]): boolean {
  const stack: boolean[] = []
  for (let i = 0; i < formula.length; i++) {
    const op = formula[i] ?? 0
    if (op < 0x80) {
      stack.push(bitmap[op] ?? false)
      continue
    }
    const k = formula[++i] ?? 0
    const n = formula[++i] ?? 0
    stack.push(stack.splice(stack.length - n, n).filter(Boolean).length >= k)
  }
  if (stack.length !== 1) throw new Error('the formula leaves more than one value')
  return stack[0] ?? false
}

test('the formula decides as the requirement does', () => {
  fc.assert(
    fc.property(usable, values, (r, list) => {
      const sure = list.map((v): Ternary => (v === 'true' ? 'true' : 'false'))
      const bitmap = leaves(r).map((l) => judge(sure)(l) === 'true')
      expect(evaluateRequirement(r, judge(sure))).toBe(String(runFormula(requirementFormula(r), bitmap)))
    }),
  )
})

test('what is decided stays decided, however the unknown leaves turn out', () => {
  fc.assert(
    fc.property(usable, values, values, (r, list, later) => {
      const now = evaluateRequirement(r, judge(list))
      const settled = list.map((v, i): Ternary => (v === 'unknown' ? (later[i] ?? v) : v))
      if (now !== 'unknown') expect(evaluateRequirement(r, judge(settled))).toBe(now)
    }),
  )
})

test('more satisfied leaves never make it worse', () => {
  const rank = { false: 0, unknown: 1, true: 2 } as const
  fc.assert(
    fc.property(usable, values, fc.nat(MAX_LEAVES - 1), (r, list, i) => {
      const better = list.with(i, 'true')
      expect(rank[evaluateRequirement(r, judge(better))]).toBeGreaterThanOrEqual(
        rank[evaluateRequirement(r, judge(list))],
      )
    }),
  )
})

test('no leaf judged is unknown, all accepted is true, all rejected is false', () => {
  fc.assert(
    fc.property(usable, (r) => {
      for (const v of ['true', 'unknown', 'false'] as const) expect(evaluateRequirement(r, () => v)).toBe(v)
    }),
  )
})

test('the digest tells requirements apart as formula and leaves do', () => {
  const form = (r: Requirement) => JSON.stringify([leaves(r), [...requirementFormula(r)]])
  fc.assert(
    fc.property(usable, usable, (a, b) => {
      expect(requirementDigest(a) === requirementDigest(b)).toBe(form(a) === form(b))
    }),
  )
})

const deep = (n: number): Requirement => Array.from({ length: n }).reduce<Requirement>((r) => ({ all: [r] }), leaf(0))

test.each<[string, Requirement]>([
  ['an empty all', { all: [] }],
  ['an empty any', { any: [] }],
  ['an empty group inside', { any: [leaf(0), { all: [] }] }],
  ['atLeast 0', { atLeast: 0, of: [leaf(0)] }],
  ['atLeast more than there are', { atLeast: 2, of: [leaf(0)] }],
  ['atLeast a fraction', { atLeast: 0.5, of: [leaf(0)] }],
  ['a tier without a name', { tier: '', policy: leaf(0).policy }],
  ['a tier whose name no receipt can hold', { tier: 'x'.repeat(129), policy: leaf(0).policy }],
  ['a tier with a control in its name', { tier: 'a\n', policy: leaf(0).policy }],
  ['a tier with a line separator in its name', { tier: 'a\u2028b', policy: leaf(0).policy }],
  ['a tier with two spaces in its name', { tier: 'a  b', policy: leaf(0).policy }],
  ['a leaf counted twice', { atLeast: 2, of: [leaf(0), leaf(1), leaf(0)] }],
  [
    'a leaf counted twice, once alone in a group',
    { atLeast: 2, of: [leaf(0), { any: [{ all: [leaf(0)] }] }, leaf(1)] },
  ],
  ['nine leaves', { all: Array.from({ length: 9 }, (_, i) => leaf(i)) }],
  ['nine deep', deep(9)],
  ['33 nodes', { any: Array.from({ length: 11 }, () => ({ all: [leaf(0), leaf(1)] })) }],
])('%s is refused', (_, r) => {
  expect(() => checkRequirement(r)).toThrow(expect.objectContaining({ code: 'VS_CORE_REQUIREMENT_INVALID' }))
  expect(() => requirementDigest(r)).toThrow(expect.objectContaining({ code: 'VS_CORE_REQUIREMENT_INVALID' }))
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['a text', 'zkml'],
  ['an object of something else', { none: [] }],
  ['a group of nothing', { all: undefined }],
  ['a group with nothing in it', { any: [undefined] }],
])('%s is refused, and the field is named', (_, r) => {
  expect(() => requirementDigest(r as Requirement)).toThrow(
    expect.objectContaining({
      code: 'VS_CORE_REQUIREMENT_INVALID',
      details: expect.objectContaining({ field: 'requirement' }),
    }),
  )
})

test('the field of a policy that is no address or digest is named', () => {
  const policy = offchainPolicy('a', {})
  for (const field of ['verifier', 'codeHash', 'params'])
    expect(() => policyDigest({ ...policy, [field]: 'bob' })).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field: `policy.${field}` }) }),
    )
})

test('a requirement of the greatest size is taken', () => {
  expect(checkRequirement(deep(8))).toBeDefined()
  expect(requirementFormula({ all: LEAVES })).toHaveLength(MAX_LEAVES + 3)
  // Sixteen leaves in pairs: a leaf may occur in several groups, and once in each.
  const pairs = (depth: number, at = 0): Requirement =>
    depth === 0 ? leaf(at % 2) : { any: [pairs(depth - 1, 2 * at), pairs(depth - 1, 2 * at + 1)] }
  expect(requirementFormula(checkRequirement(pairs(4)))).toHaveLength(61)
})

test('a group of one is its only member', () => {
  fc.assert(
    fc.property(usable, (r) => {
      for (const alone of [{ all: [r] }, { any: [r] }, { atLeast: 1, of: [r] }])
        expect(requirementFormula(alone)).toEqual(requirementFormula(r))
      expect(requirementFormula({ any: [{ all: [r] }, leaf(0)] })).toEqual(requirementFormula({ any: [r, leaf(0)] }))
    }),
  )
  for (const alone of [{ all: [leaf(0)] }, { any: [leaf(0)] }, { atLeast: 1, of: [leaf(0)] }, deep(8)])
    expect(requirementDigest(alone)).toBe(requirementDigest(leaf(0)))
  expect(requirementDigest({ any: [{ all: [leaf(0)] }, leaf(1)] })).toBe(requirementDigest({ any: [leaf(0), leaf(1)] }))
})
