import type { Committer, Program } from '@veristack/core'
import { bigints, type Tensor, tensorSpec } from '@veristack/core/receipt'
import { borderType, type IntegerProgram } from '@veristack/integer-model'
import { POSEIDON_SCHEME, poseidonCommitment } from '@veristack/integer-model/commit'
import { layoutWidth, portsOf } from './circuit/visibility.ts'
import { fail } from './errors.ts'

/** Computes `poseidon-bn254/v1` as the circuit does: values in the order of `tensors`, as wide as the widest. */
export function poseidonCommitter(load: (program: Program) => Promise<IntegerProgram>): Committer {
  return {
    scheme: POSEIDON_SCHEME,
    hiding: true,
    async commit(program, tensors, salt) {
      const ports = portsOf(await load(program))
      const described = tensors.map((t) => {
        const port = ports.find((p) => p.name === t.name)
        const expected =
          port === undefined
            ? ports.map((p) => p.name).join(' | ')
            : tensorSpec({ ...port, type: borderType(port.range) })
        if (port === undefined || tensorSpec(t) !== expected) {
          throw fail('VS_ZKML_INVALID_INPUT', { details: { field: 'tensors', expected, got: tensorSpec(t) } })
        }
        return port
      })
      const values = tensors.flatMap((t: Tensor) => bigints(t))
      return poseidonCommitment({
        programId: program.id,
        count: values.length,
        ...layoutWidth(described),
        values,
        ...(salt === undefined ? {} : { salt }),
      })
    },
  }
}
