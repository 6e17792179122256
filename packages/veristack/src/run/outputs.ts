import type { IntegerProgram, LoweringReport } from '@veristack/integer-model'
import { shown } from '../terminal/values.ts'
import type { ReportLine } from './run.ts'

const DIGITS = 6

/** The integers, which are what is proved, with the real numbers that they stand for. */
export function describeOutputs(
  program: IntegerProgram,
  outputs: Readonly<Record<string, readonly number[]>>,
): readonly ReportLine[] {
  return Object.entries(outputs).map(([name, integers]) => {
    const { scale, zeroPoint } = program.outputs.find((o) => o.name === name) ?? { scale: 1, zeroPoint: 0 }
    const value = shown(integers)
    if (scale === 1 && zeroPoint === 0) return { label: name, value, remark: 'to be proved' }
    const real = shown(integers.map((q) => String(Number(((q - zeroPoint) * scale).toPrecision(DIGITS)))))
    const from = zeroPoint === 0 ? 'the integers' : `the integers less ${zeroPoint}`
    return {
      label: name,
      value: `${real}  from the integers ${value}`,
      remark: `the integers are to be proved; real numbers are ${from} times ${Number(scale.toPrecision(DIGITS))}`,
    }
  })
}

/** How near the program came to the float model where it had seen nothing. */
export function describeAgreement({ agreement, samples }: LoweringReport): ReportLine {
  if (agreement.length === 0) {
    const had = `${samples.calibration} calibration sample${samples.calibration === 1 ? '' : 's'}`
    return { label: 'agreement', value: `not measured: of ${had} none was held out`, remark: 'every fifth is' }
  }
  const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`
  const value = agreement
    .map((a) =>
      a.kind === 'index'
        ? `${a.output} ${percent(a.equal)} equal`
        : `${a.output} off by ${Number(a.meanError.toPrecision(3))} on average, ${Number(a.maxError.toPrecision(3))} at most`,
    )
    .join('; ')
  const of = `${samples.heldOut} held-out sample${samples.heldOut === 1 ? '' : 's'}`
  return { label: 'agreement', value, remark: `with the float model on ${of}; not proved` }
}
