export {
  defineErrors,
  type ErrorCode,
  type ErrorDescriptor,
  type ErrorDetails,
  type ErrorParameters,
  isVeristackError,
  VeristackError,
} from './base.ts'
export { fail } from './codes.ts'
