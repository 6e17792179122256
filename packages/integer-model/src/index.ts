export * from './commit/index.ts'
export * from './program/program.ts'
