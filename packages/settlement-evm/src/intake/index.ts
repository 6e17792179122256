export { type IntakePlugin, intake } from './intake.ts'
export type {
  FoundInputs,
  InputSource,
  IntakeEvent,
  IntakeListener,
  IntakeOptions,
  ReadyProgram,
  Served,
  SkipReason,
  TokenPrice,
} from './options.ts'
export type { PlacedPolicy, PlacedRequest } from './placed.ts'
