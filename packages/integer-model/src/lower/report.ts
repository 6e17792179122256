import type { Digest, ProgramId } from '@veristack/core/receipt'
import type { PrimitiveName, Range } from '../program/index.ts'
import type { Bits } from './lowering.ts'

/** How one output of the program compares with the float model on samples that set no range. */
export type Agreement = { readonly output: string; readonly samples: number } & (
  | { readonly kind: 'index' /** Share of equal elements, 0 to 1. */; readonly equal: number }
  | {
      readonly kind: 'real'
      readonly meanError: number
      readonly maxError: number
      /** Share of rows (along the last axis) whose greatest element is the same one. */
      readonly sameGreatest: number
    }
)

/** How often values left what calibration had seen, on the held-out samples. */
export interface Exceeded {
  readonly tensor: string
  readonly elements: number
  readonly exceeded: number
}

export interface LoweringReport {
  readonly modelId: Digest
  readonly programId: ProgramId
  readonly bits: Bits
  readonly inputs: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly range: Range
    readonly scale: number
    readonly seen: { readonly lo: number; readonly hi: number }
  }[]
  readonly nodes: readonly {
    readonly op: PrimitiveName
    readonly shape: readonly number[]
    readonly range: Range
    readonly bits: number
  }[]
  /** Multiplications by weights in one run. */
  readonly macs: number
  /** Constants in the program. */
  readonly weights: number
  readonly samples: { readonly calibration: number; readonly heldOut: number }
  /** What the program was compared with: the caller's reference, or the model in double precision. */
  readonly comparedWith: 'reference' | 'double precision'
  /** One for each output; empty where no sample was held out. */
  readonly agreement: readonly Agreement[]
  /** Empty where no sample was held out. */
  readonly exceeded: readonly Exceeded[]
}

/** The report as a table for people. */
export function renderReport(report: LoweringReport): string {
  const { bits, samples } = report
  const range = ({ lo, hi }: Range): string => `${lo}..${hi}`
  const shape = (s: readonly number[]): string => `[${s.join(', ')}]`
  return [
    `model    ${report.modelId}`,
    `program  ${report.programId}`,
    `bits     weights ${bits.weights}, activations ${bits.activations}, inputs ${bits.inputs}, multiplier ${bits.multiplier}`,
    `size     ${report.weights} constants, ${report.macs} multiplications`,
    '',
    ...table([
      ['value', 'what', 'shape', 'range', 'bits', 'scale'],
      ...report.inputs.map((i, k) => [
        `${k}`,
        `input ${i.name}`,
        shape(i.shape),
        range(i.range),
        '',
        `${i.scale.toPrecision(6)}`,
      ]),
      ...report.nodes.map((n, k) => [
        `${report.inputs.length + k}`,
        n.op,
        shape(n.shape),
        range(n.range),
        `${n.bits}`,
        '',
      ]),
    ]),
    '',
    ...(samples.heldOut === 0
      ? [
          `not compared with the model: no sample was held out (${samples.calibration} set the ranges; every fifth is held out)`,
        ]
      : comparison(report)),
  ].join('\n')
}

const percent = (x: number): string => `${(100 * x).toFixed(2)} %`

function comparison(report: LoweringReport): readonly string[] {
  return [
    `compared with ${report.comparedWith} on ${report.samples.heldOut} held-out samples (${report.samples.calibration} set the ranges)`,
    ...table([
      ['output', 'agreement', 'mean error', 'greatest error'],
      ...report.agreement.map((a) =>
        a.kind === 'index'
          ? [a.output, `${percent(a.equal)} equal`, '', '']
          : [
              a.output,
              `${percent(a.sameGreatest)} same greatest`,
              a.meanError.toPrecision(3),
              a.maxError.toPrecision(3),
            ],
      ),
    ]),
    '',
    ...table([
      ['beyond calibration', 'elements', 'share'],
      ...report.exceeded.map((e) => [
        e.tensor,
        `${e.exceeded}`,
        percent(e.elements === 0 ? 0 : e.exceeded / e.elements),
      ]),
    ]),
  ]
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
