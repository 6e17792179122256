import { resolve } from 'node:path'
import {
  type CommandIo,
  createStack,
  type InferOptions,
  type JobEvent,
  type Step as JobStep,
  type Json,
  type Plugin,
  type Publishable,
  RAW_SCHEME,
  type Receipt,
  type Settlement,
  type Tensor,
} from '@veristack/core'
import { serialiseAnchors, serialiseReceipt } from '@veristack/core/receipt'
import { decodeProgram, exceededInputs, type IntegerProgram } from '@veristack/integer-model'
import { fail } from '../errors.ts'
import { checkWritable, writeText } from '../files.ts'
import { warn } from '../terminal/line.ts'
import { progressLine } from '../terminal/progress.ts'

/** A line of the report: what, the value, and what may be said of it. */
export interface ReportLine {
  readonly label: string
  readonly value: string
  readonly remark?: string
}

export interface RunOptions {
  readonly plugins: readonly Plugin[]
  readonly program: Publishable
  readonly inputs: readonly Tensor[]
  readonly require?: InferOptions['require']
  readonly priceWei?: bigint
  readonly application?: Json
  /** Said before the model has run. */
  readonly preface?: readonly ReportLine[]
  /** Turns the outputs into lines for people, as soon as the model has run. */
  readonly describe: (outputs: Readonly<Record<string, readonly number[]>>) => readonly ReportLine[]
  /** Where the receipt and its anchors are written. */
  readonly receiptPath: string
  readonly anchorsPath: string
  readonly io: CommandIo
}

const LABEL = 14

/** From a program to a receipt, saying how far it is as each stage ends. */
export async function run(o: RunOptions): Promise<Receipt> {
  const { io } = o
  const progress = progressLine(io)
  const say = ({ label, value, remark }: ReportLine): void => {
    progress.clear()
    io.out(`${label.padEnd(LABEL)}${value}${remark === undefined ? '' : `  (${remark})`}\n`)
  }
  await checkTargets(o)
  for (const line of o.preface ?? []) say(line)
  if (o.program.semantics === 'integer/v1') warnOfCutInputs(decodeProgram(o.program.bytes), o.inputs, io)
  const took = new Map<string, number>()
  const onEvent = (event: JobEvent): void => {
    if (event.type === 'progress') progress.show(event)
    else if (event.type === 'step' && event.state === 'started')
      progress.show({ stage: STAGES[event.step.run], done: 0 })
    else if (event.type === 'step' && event.state === 'ended') took.set(event.step.run, event.durationMs)
  }
  progress.show({ stage: 'starting', done: 0 })
  await using stack = await createStack({ plugins: o.plugins, signal: io.signal })
  const { program, anchors } = await stack.publish(o.program, {
    signal: io.signal,
    onProgress: (e) => progress.show(e),
  })
  const job = await stack.infer({
    program,
    inputs: o.inputs,
    require: o.require ?? 'zkml',
    signal: io.signal,
    onEvent,
    ...(o.priceWei === undefined ? {} : { priceWei: o.priceWei }),
    ...(o.application === undefined ? {} : { application: o.application }),
  })
  const wait = { signal: io.signal }
  const executed = await job.wait('executed', wait)
  for (const line of o.describe(executed.outputs)) say(line)
  say({ label: 'execution', value: duration(took.get('execute')) })
  await job.wait('proved', wait)
  say({ label: 'proof', value: duration(took.get('prove')) })
  let receipt = await job.wait('verified', wait)
  say({ label: 'verification', value: duration(took.get('verify')), remark: provedNames(receipt) })
  if (stack.host.all('settler').length > 0) {
    receipt = await job.wait('settled', wait)
    const line = settlementLine(receipt.settlements)
    if (line !== undefined) say(line)
  }
  await writeText(io.cwd, o.receiptPath, serialiseReceipt(receipt))
  await writeText(io.cwd, o.anchorsPath, serialiseAnchors(anchors))
  say({ label: 'receipt', value: o.receiptPath })
  say({
    label: 'anchors',
    value: o.anchorsPath,
    remark: `check it: npx veristack verify ${o.receiptPath} --anchors ${o.anchorsPath}`,
  })
  return receipt
}

/** Throws where the receipt could not be written in the end, before anything is done for it. */
export async function checkTargets({
  io: { cwd },
  receiptPath,
  anchorsPath,
}: Pick<RunOptions, 'io' | 'receiptPath' | 'anchorsPath'>): Promise<void> {
  if (resolve(cwd, receiptPath) === resolve(cwd, anchorsPath)) {
    throw fail('VS_CLI_USAGE', {
      details: { field: '--anchors', expected: 'another file than the receipt', got: anchorsPath },
    })
  }
  await checkWritable(cwd, receiptPath)
  await checkWritable(cwd, anchorsPath)
}

/** The program takes values beyond its ranges for the ends of them, and the proof is about those. */
function warnOfCutInputs(program: IntegerProgram, inputs: readonly Tensor[], io: CommandIo): void {
  const short = (x: number): number => Number(x.toPrecision(6))
  for (const { name, elements, exceeded, range, seen } of exceededInputs(program, inputs)) {
    warn(
      io,
      `${exceeded} of ${elements} values of input ${name} lie outside of ${short(range.lo)}..${short(range.hi)}, the range from calibration, and were cut to it (the input reaches from ${short(seen.lo)} to ${short(seen.hi)}): the answer, and what is proved, is of the cut values. Calibrate with samples that look like this input.`,
    )
  }
}

/** What the evidence speaks for: posted values, and commitments that others can be held to. */
const provedNames = ({ signed }: Receipt): string =>
  `proved: ${signed.outputs.map((c) => `${c.tensor}${c.scheme === RAW_SCHEME ? '' : ' as a commitment'}`).join(', ')}`

const STAGES: Readonly<Record<JobStep['run'], string>> = {
  escrow: 'placing the request on chain',
  execute: 'running the model',
  claim: 'committing to the outputs and signing the claim',
  prove: 'proving',
  verify: 'verifying',
  settle: 'settling on chain',
}

const duration = (ms: number | undefined): string =>
  ms === undefined ? 'in another process' : ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`

/** The transaction that brought the claim, and the gas of every transaction of the request. */
function settlementLine(settlements: readonly Settlement[]): ReportLine | undefined {
  const last = settlements.at(-1)
  if (last === undefined) return undefined
  const gas = settlements.flatMap(({ detail }) =>
    Object.entries(gasOf(detail)).map(([name, units]) => `${name} ${String(units)}`),
  )
  return { label: 'settlement', value: `${last.ref} on ${last.network}, gas: ${gas.join(', ')}`, remark: last.state }
}

const gasOf = (detail: Json): Readonly<Record<string, Json>> => {
  if (typeof detail !== 'object' || detail === null || !('gas' in detail)) return {}
  return typeof detail.gas === 'object' && detail.gas !== null ? (detail.gas as Readonly<Record<string, Json>>) : {}
}
