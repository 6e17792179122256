import { encodeProgram, ProgramBuilder, programId } from '@veristack/integer-model'

/** Four numbers of 0..15 in, the index of the greatest of three weighted sums out: small enough to be proved in a moment. */
export function smallProgram() {
  const builder = new ProgramBuilder()
  const x = builder.input({
    name: 'x',
    shape: [1, 4],
    range: { lo: 0n, hi: 15n },
    quantisation: { scale: 1, zeroPoint: 0 },
  })
  const weights = { shape: [4, 3], data: Int32Array.of(3, -5, 2, -1, 4, 1, 6, 2, -7, -2, 1, 5) }
  const scores = builder.node({ op: 'linear', x, weights, bias: { shape: [3], data: Int32Array.of(4, -6, 10) } })
  const program = builder.build([
    { name: 'label', value: builder.node({ op: 'argmax', x: scores, axis: 1 }), scale: 1, zeroPoint: 0 },
    { name: 'scores', value: scores, scale: 1, zeroPoint: 0 },
  ])
  return { id: programId(program), semantics: program.semantics, bytes: encodeProgram(program) }
}
