export * from './commit/index.ts'
export { fail as modelErrors } from './errors.ts'
export { accumulatorBound, edgesOf, type Value } from './primitives/index.ts'
export * from './program/index.ts'
