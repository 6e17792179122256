export type { CheckResult, TcbReport, TeeVerdict } from '../verdict.ts'
