export * from './commit/index.ts'
export { fail as modelErrors } from './errors.ts'
export {
  type Agreement,
  type Bits,
  type Exceeded,
  type Lowered,
  type LoweringReport,
  type LowerOptions,
  lower,
  modelInputs,
  type Reference,
  renderReport,
  type Sample,
} from './lower/index.ts'
export {
  MODEL_LIMITS,
  modelId,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxPort,
  type OnnxTensor,
  parseModel,
} from './onnx/index.ts'
export { accumulatorBound, edgesOf, type Value } from './primitives/index.ts'
export * from './program/index.ts'
