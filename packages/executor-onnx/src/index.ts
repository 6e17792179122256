export { fail as onnxErrors } from './errors.ts'
export { type FloatReference, floatReference } from './float-program.ts'
export { floatProgramId, type OnnxOptions, onnx } from './onnx.ts'
