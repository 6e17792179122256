import type { Command } from '@veristack/core'
import { readText } from '../files.ts'
import { parseFeeds } from '../run/feeds.ts'
import { lowerFiles } from '../run/model.ts'
import { describeAgreement, describeOutputs } from '../run/outputs.ts'
import { checkTargets, run } from '../run/run.ts'
import { standardPlugins } from '../run/standard.ts'
import { parseOptionsAlone, required, wholeNumber } from './options.ts'

export const inferCommand: Command = {
  name: 'infer',
  summary: 'run a model, prove the answer and settle it on a chain',
  usage: `veristack infer --model FILE --inputs FILE --calibration FOLDER

--model        an ONNX file
--inputs       JSON: an object of arrays by input name (or one array, where the model has one input)
--calibration  a folder of *.json files in the same form: typical inputs, from which ranges are taken;
               every fifth sets none, and tells how near the program is to the model
--input-bits N bits of a quantised input, 1 to 16 (default 8; the proof pays for each)
--network      'local' (default: a chain of its own, with development keys) or 'none' (no settlement)
--receipt      where the receipt is written (default receipt.json)
--anchors      where its anchors are written (default anchors.json)

Outputs are printed as the integers that are proved, with the real numbers that they stand for. Keys are kept in
'veristack' below XDG_CACHE_HOME, or in ~/.cache/veristack.`,
  async run(args, io) {
    const values = parseOptionsAlone(args, {
      model: { type: 'string' },
      inputs: { type: 'string' },
      calibration: { type: 'string' },
      'input-bits': { type: 'string' },
      network: { type: 'string', default: 'local' },
      receipt: { type: 'string', default: 'receipt.json' },
      anchors: { type: 'string', default: 'anchors.json' },
    })
    const inputsPath = required(values.inputs, '--inputs')
    const inputBits = wholeNumber(values['input-bits'], '--input-bits', 1, 16)
    const plugins = standardPlugins(values.network, io)
    const targets = { receiptPath: values.receipt, anchorsPath: values.anchors, io }
    await checkTargets(targets)
    const lowered = await lowerFiles(
      {
        model: required(values.model, '--model'),
        calibration: required(values.calibration, '--calibration'),
        ...(inputBits === undefined ? {} : { inputBits }),
      },
      io,
    )
    const inputs = parseFeeds(await readText(io.cwd, inputsPath), lowered.inputs, inputsPath)
    await run({
      plugins,
      program: { id: lowered.id, semantics: 'integer/v1', bytes: lowered.bytes },
      inputs,
      application: { model: lowered.modelId },
      preface: [describeAgreement(lowered.report)],
      describe: (outputs) => describeOutputs(lowered.program, outputs),
      ...targets,
    })
    return 0
  },
}
