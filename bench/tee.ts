import type { Row } from '../scripts/measure.ts'
import { bundles } from './tee/bundles.ts'
import { intel } from './tee/intel.ts'
import { nitro } from './tee/nitro.ts'
import { nvidia } from './tee/nvidia.ts'
import { sevSnp } from './tee/sev-snp.ts'

/** What judging attestation takes, by vendor and arithmetic. */
export async function* rows(progress: (text: string) => void): AsyncIterable<Row> {
  yield* intel(progress)
  yield* nitro(progress)
  yield* sevSnp(progress)
  yield* nvidia(progress)
  yield* bundles(progress)
}
