// npm run quickstart -- "I still have not received my new card"
// npm run quickstart -- --model my.onnx --inputs in.json --calibration dir/
import type { CommandIo } from '@veristack/core'
import { decodeProgram, programId } from '@veristack/integer-model'
import { endProcess, errorLine, inferCommand, processIo, type ReportLine, run, standardPlugins } from 'veristack'
import { loadExample } from '../src/index.ts'

const USAGE = `npm run quickstart -- "TEXT"
npm run quickstart -- --model FILE --inputs FILE --calibration FOLDER [OPTIONS]

TEXT is what a customer of an online bank asks, in English: the example model, trained on such questions, says which of 77
intents it is. With --model a model of yours takes the same walk:

${inferCommand.usage}
`

/** `--help` stands alone: a text may be anything else. */
async function main(args: readonly string[], io: CommandIo): Promise<number> {
  try {
    if (args.length === 1 && args[0] === '--help') {
      io.out(USAGE)
      return 0
    }
    if (args.length === 0) {
      io.err(USAGE)
      return 1
    }
    if (args.some((a) => a.startsWith('--'))) return await inferCommand.run(args, io)
    const example = await loadExample()
    const inputs = [example.featurise(args.join(' '))]
    const program = decodeProgram(example.program)
    const logits = program.outputs.find((o) => o.name === 'logits')

    const describe = (outputs: Readonly<Record<string, readonly number[]>>): readonly ReportLine[] => {
      const label = outputs.label?.[0] ?? -1
      const { intent = String(label), title = '' } = example.labels[label] ?? {}
      const score =
        softmax((outputs.logits ?? []).map((q) => (q - (logits?.zeroPoint ?? 0)) * (logits?.scale ?? 1)))[label] ?? 0
      return [
        { label: 'intent', value: `${intent}: ${title}`, remark: 'to be proved' },
        {
          label: 'score',
          value: `${(100 * score).toFixed(1)} %`,
          remark: 'softmax of the committed logits; not proved on chain',
        },
      ]
    }

    await run({
      plugins: standardPlugins('local', io),
      program: { id: programId(program), semantics: 'integer/v1', bytes: example.program },
      inputs,
      application: example.application,
      describe,
      receiptPath: 'receipt.json',
      anchorsPath: 'anchors.json',
      io,
    })
    return 0
  } catch (error) {
    io.err(`quickstart: ${errorLine(error)}\n`)
    return 1
  }
}

function softmax(values: readonly number[]): readonly number[] {
  const max = Math.max(...values)
  const exps = values.map((v) => Math.exp(v - max))
  const sum = exps.reduce((a, b) => a + b, 0)
  return exps.map((e) => e / sum)
}

const io = processIo()
void main(process.argv.slice(2), io).then((status) => endProcess(status, io))
