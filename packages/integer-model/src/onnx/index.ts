export type * from './model.ts'
export { MODEL_LIMITS, modelId, parseModel } from './parse.ts'
export { axisOf, broadcast, concatenated, flattened, reshaped } from './shapes.ts'
