export type { BlobRef, Blobs } from '../blobs/blobs.ts'
export * from '../claim/index.ts'
export {
  defineErrors,
  type ErrorCode,
  type ErrorDescriptor,
  type ErrorDetails,
  type ErrorParameters,
  isVeristackError,
  VeristackError,
} from '../errors/index.ts'
export * from './anchors.ts'
export * from './parse.ts'
export * from './receipt.ts'
export * from './settlement.ts'
export * from './verdict.ts'
export * from './verify-receipt.ts'
export { parseJsonText, type TextLimits } from './wire/json-text.ts'
