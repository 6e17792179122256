// Not from the core root entry: the commitments are loaded in browsers.
import { defineErrors } from '@veristack/core/receipt'

/** Every error that this package raises. */
export const fail = defineErrors({
  VS_MODEL_INVALID_COMMITMENT: {
    title: 'The values can not be committed to',
    remedy: 'Commit to values of the declared count and width, with a salt of 32 bytes below 2^248.',
  },
  VS_MODEL_INVALID_PROGRAM: {
    title: 'The integer program is not well formed',
    remedy: 'Lower the model again; a program is never edited by hand.',
  },
  VS_MODEL_NOT_CANONICAL: {
    title: 'The bytes are not the canonical encoding of an integer program',
    remedy: 'Take the bytes from the place that published the program, whole and unchanged.',
  },
  VS_MODEL_TOO_LARGE: {
    title: 'The model or program is larger than the limit',
    remedy: 'Use a smaller model, or raise the limit where the caller may set one.',
  },
  VS_MODEL_RANGE_OVERFLOW: {
    title: 'A value of the program could leave the range of exact arithmetic',
    remedy: 'Lower with fewer weight, activation or input bits.',
  },
  VS_MODEL_INVALID_INPUT: {
    title: 'An input tensor is not what the program takes',
    remedy: 'Compare name, type, shape and values with the inputs of the program.',
  },
  VS_MODEL_INVALID_ONNX: {
    title: 'The bytes are not a model that can be read',
    remedy: 'Export the model again and check it with onnx.checker; weights must be inside the file.',
  },
  VS_MODEL_UNSUPPORTED: {
    title: 'The model can not be lowered to an integer program',
    remedy:
      'Replace what is listed, or serve the model as it is (onnx-float/v1) with an installed tier that accepts it.',
  },
  VS_MODEL_INVALID_CALIBRATION: {
    title: 'The calibration samples can not be used',
    remedy: 'Pass at least one sample that has every input of the model, with its shape and finite values.',
  },
  VS_MODEL_INVALID_OPTION: {
    title: 'An option of lowering is out of range',
    remedy: 'Compare the named option with its documented range.',
  },
})
