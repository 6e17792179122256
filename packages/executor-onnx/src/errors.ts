import { defineErrors } from '@veristack/core'

/** Every error that this package raises itself; `VS_CORE_...` and `VS_MODEL_...` pass through. */
export const fail = defineErrors({
  VS_ONNX_RUNTIME_MISSING: {
    title: 'The package onnxruntime-node can not be loaded',
    remedy: 'Install it (`npm install onnxruntime-node`) on a platform that it has binaries for.',
  },
  VS_ONNX_INVALID_OPTION: {
    title: 'An option of onnx() is out of range',
    remedy: 'Compare the named option with its documented range.',
  },
  VS_ONNX_UNSUPPORTED_SEMANTICS: {
    title: 'This executor does not run programs of this semantics',
    remedy: 'Add the plugin that does, or publish the model as integer/v1 or onnx-float/v1.',
  },
  VS_ONNX_PROGRAM_MISMATCH: {
    title: 'The bytes are not those of the program',
    remedy: 'Do not run it; fetch the program again from whoever published it and compare its id.',
  },
  VS_ONNX_PROGRAM_REFUSED: {
    title: 'The program holds something that is not run here',
    remedy: 'Export the model without it: weights inside the file, standard operators, whole-byte element types.',
  },
  VS_ONNX_TOO_LARGE: {
    title: 'The program or its inputs are larger than the limit',
    remedy: 'Send less, or raise the limit in the options of onnx().',
  },
  VS_ONNX_INVALID_INPUT: {
    title: 'An input is not what the program takes',
    remedy: 'Compare name, type, shape and values with the inputs that the program declares.',
  },
  VS_ONNX_INVALID_OUTPUT: {
    title: 'The runtime returned something other than what the program declares',
    remedy: 'Do not use the result; try another release of onnxruntime-node and report the model.',
  },
  VS_ONNX_RUN_FAILED: {
    title: 'onnxruntime could not load or run the program',
    remedy: 'Read the cause; check the model with onnx.checker and its inputs with another runtime.',
  },
  VS_ONNX_CANON_MISMATCH: {
    title: 'onnxruntime and the interpreter disagree about an integer program',
    remedy: 'Nothing was returned. Use another release of onnxruntime-node or another machine, and report the program.',
  },
  VS_ONNX_STOPPED: {
    title: 'The executor has been stopped',
    remedy: 'Create a new stack.',
  },
})
