import { type Hex, parseHex, type Tensor } from '../claim/index.ts'
import type { Committer, Program } from '../plugin/roles.ts'
import { ensure, type SuiteBase, same, suite } from './runner.ts'

export interface CommitterFixture {
  readonly program: Program
  readonly tensors: readonly Tensor[]
  /** The same names with other values. */
  readonly others: readonly Tensor[]
}

export interface CommitterSuiteOptions extends SuiteBase<Committer, 'salts'> {
  /** Capabilities: `salts` (a salt goes into the value). */
  readonly fixture: () => CommitterFixture | Promise<CommitterFixture>
}

const SALT: Hex = `0x00${'11'.repeat(31)}`
const OTHER_SALT: Hex = `0x00${'11'.repeat(30)}12`

/** What every commitment scheme must do: one value for one content, another for another. */
export function committerSuite(options: CommitterSuiteOptions): void {
  suite('committer', options, ({ test, needs }) => {
    const prepare = async () => ({ committer: await options.make(), f: await options.fixture() })

    test('gives the same value again, as lower-case hexadecimal', async () => {
      const { committer, f } = await prepare()
      const value = await committer.commit(f.program, f.tensors, undefined)
      same(await committer.commit(f.program, f.tensors, undefined), value, 'the second value')
      same(parseHex(value, 'value'), value, 'the value in lower case')
    })

    test('gives other tensors another value', async () => {
      const { committer, f } = await prepare()
      const value = await committer.commit(f.program, f.tensors, undefined)
      ensure((await committer.commit(f.program, f.others, undefined)) !== value, 'two contents have one commitment')
      for (const [i, t] of f.tensors.entries()) {
        if (t.data.length === 0) continue
        const changed = { ...t, data: t.data.map((b, at) => (at === 0 ? b ^ 1 : b)) }
        const other = await committer.commit(f.program, f.tensors.with(i, changed), undefined)
        ensure(other !== value, `${t.name} is not in the commitment`)
      }
    })

    needs('salts', 'gives another value under another salt, and under none', async () => {
      const { committer, f } = await prepare()
      const values = await Promise.all(
        [undefined, SALT, OTHER_SALT].map((s) => committer.commit(f.program, f.tensors, s)),
      )
      same(new Set(values).size, 3, 'the number of values')
      same(await committer.commit(f.program, f.tensors, SALT), values[1], 'the value under the same salt')
    })

    test('changes nothing that it is given', async () => {
      const { committer, f } = await prepare()
      const before = structuredClone(f.tensors)
      await committer.commit(f.program, f.tensors, undefined)
      same(f.tensors, before, 'the tensors')
    })
  })
}
