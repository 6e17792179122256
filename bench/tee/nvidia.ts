import { nobleBackend, nodeBackend } from '@veristack/verify-tee'
import { verifyNvidia } from '@veristack/verify-tee/nvidia'
import { honest } from '../../packages/verify-tee/src/nvidia/mutation.fixture.ts'
import { medianMs, type Row, reported } from '../../scripts/measure.ts'

/** Whole verdicts, on evidence of our own: three tokens; one device's chain, status and report. */
export async function* nvidia(progress: (text: string) => void): AsyncIterable<Row> {
  progress('NVIDIA')
  for (const { name, evidence, options } of honest)
    for (const backend of [nodeBackend(), nobleBackend]) {
      if (backend === undefined) continue
      const run = () => verifyNvidia(evidence, { ...options, backend })
      const { status } = await run()
      if (status !== 'accepted') throw new Error(`${name} is ${status}`)
      yield reported(`NVIDIA on ${backend.name}, ${name}`, await medianMs(run, { runs: 21, warmUp: 5 }), 'ms')
    }
}
