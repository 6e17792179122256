import type { Command } from '@veristack/core'
import { renderReport } from '@veristack/integer-model'
import { checkWritable, writeBytes } from '../files.ts'
import { lowerFiles } from '../run/model.ts'
import { parseOptionsAlone, required, wholeNumber } from './options.ts'

export const lowerCommand: Command = {
  name: 'lower',
  summary: 'make an integer program from an ONNX model',
  usage: `veristack lower --model FILE --calibration FOLDER [--out FILE] [--input-bits N]

Prints the report: ranges, agreement with the model, how often calibration was exceeded.

--model         an ONNX file
--calibration   a folder of *.json files, each with one set of inputs as 'veristack infer --inputs' takes it
--out           where the program is written
--input-bits    bits of a quantised input, 1 to 16 (default 8)`,
  async run(args, io) {
    const values = parseOptionsAlone(args, {
      model: { type: 'string' },
      calibration: { type: 'string' },
      out: { type: 'string' },
      'input-bits': { type: 'string' },
    })
    const inputBits = wholeNumber(values['input-bits'], '--input-bits', 1, 16)
    if (values.out !== undefined) await checkWritable(io.cwd, values.out)
    const lowered = await lowerFiles(
      {
        model: required(values.model, '--model'),
        calibration: required(values.calibration, '--calibration'),
        ...(inputBits === undefined ? {} : { inputBits }),
      },
      io,
    )
    io.out(`${renderReport(lowered.report)}\n`)
    io.out(`model    ${lowered.modelId}\nprogram  ${lowered.id}\n`)
    if (values.out !== undefined) {
      await writeBytes(io.cwd, values.out, lowered.bytes)
      io.out(`written  ${values.out}\n`)
    }
    return 0
  },
}
