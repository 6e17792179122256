import fc from 'fast-check'
import { allocateNonces } from './nonces.ts'

/** What the allocator must be, said as slowly as possible: a list of what became of each nonce. */
interface Model {
  next: number
  readonly state: Map<number, 'live' | 'settled'>
}

const commands = fc.array(
  fc.oneof(
    fc.record({ run: fc.constant('take' as const) }),
    fc.record({ run: fc.constant('hold' as const), nonce: fc.nat(30) }),
    fc.record({ run: fc.constant('settle' as const), pick: fc.nat(30) }),
    fc.record({ run: fc.constant('observe' as const), count: fc.nat(30) }),
    fc.record({ run: fc.constant('gaps' as const), count: fc.nat(30), limit: fc.integer({ min: 1, max: 40 }) }),
  ),
  { maxLength: 80 },
)

test('gives what a list would give', () => {
  fc.assert(
    fc.property(fc.nat(10), commands, (start, list) => {
      const nonces = allocateNonces()
      const model: Model = { next: start, state: new Map() }
      nonces.observe(start)
      const taken = new Set<number>()
      for (const c of list) {
        switch (c.run) {
          case 'take': {
            const nonce = nonces.take()
            expect(nonce).toBe(model.next)
            expect(taken.has(nonce) || model.state.has(nonce)).toBe(false)
            taken.add(nonce)
            model.state.set(nonce, 'live')
            model.next += 1
            break
          }
          case 'hold':
            // A gap is filled, or a journal replayed; what is settled is not held again.
            if (model.state.get(c.nonce) === 'settled') break
            nonces.hold(c.nonce)
            model.state.set(c.nonce, 'live')
            model.next = Math.max(model.next, c.nonce + 1)
            break
          case 'settle': {
            const live = [...model.state].filter(([, s]) => s === 'live').map(([n]) => n)
            const nonce = live[c.pick % Math.max(1, live.length)]
            if (nonce === undefined) break
            nonces.settle(nonce)
            model.state.set(nonce, 'settled')
            break
          }
          case 'observe':
            nonces.observe(c.count)
            model.next = Math.max(model.next, c.count)
            break
          case 'gaps': {
            const live = [...model.state].filter(([, s]) => s === 'live').map(([n]) => n)
            const all = Array.from({ length: 64 }, (_, n) => n)
            const expected = all.filter((n) => n >= c.count && n < Math.max(-1, ...live) && !model.state.has(n))
            expect(nonces.gaps(c.count, c.limit)).toEqual(expected.slice(0, c.limit))
            break
          }
        }
        expect(nonces.next).toBe(model.next)
      }
    }),
    { numRuns: 500 },
  )
})
