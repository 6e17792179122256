/** Branding instead of `instanceof`: two copies of this package in one process still recognise each other's errors. */
const BRAND = Symbol.for('veristack.error')

export type ErrorCode = `VS_${string}`

/** What the error index in the documentation is generated from. */
export interface ErrorDescriptor {
  readonly code: ErrorCode
  /** One sentence: what went wrong. */
  readonly title: string
  /** One sentence: what the reader does about it. */
  readonly remedy: string
}

/** Facts shown under the message, one line each. Never secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | bigint | boolean | undefined>>

export interface ErrorParameters {
  /** Replaces the descriptor's title where the case can be told more precisely. */
  readonly message?: string
  readonly details?: ErrorDetails
  readonly cause?: unknown
}

const DOCS = 'docs/errors.md'

/** An error with a stable code. Recognise it with {@link isVeristackError}. */
export class VeristackError extends Error {
  override readonly name = 'VeristackError'
  readonly code: ErrorCode
  /** The message without details, remedy and docs path. */
  readonly shortMessage: string
  readonly details: ErrorDetails
  readonly remedy: string
  readonly docsPath: string

  constructor(descriptor: ErrorDescriptor, parameters: ErrorParameters = {}) {
    const shortMessage = parameters.message ?? descriptor.title
    const details = parameters.details ?? {}
    const docsPath = `${DOCS}#${descriptor.code.toLowerCase()}`
    const facts = Object.entries(details).flatMap(([k, v]) => (v === undefined ? [] : [`  ${k}: ${String(v)}`]))
    const lines = [shortMessage, ...facts, `  remedy: ${descriptor.remedy}`, `  docs: ${docsPath} (${descriptor.code})`]
    super(lines.join('\n'), parameters.cause === undefined ? undefined : { cause: parameters.cause })
    this.code = descriptor.code
    this.shortMessage = shortMessage
    this.details = details
    this.remedy = descriptor.remedy
    this.docsPath = docsPath
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** True for an error made by any copy of this package; with `code`, only for that code. */
export function isVeristackError(value: unknown, code?: ErrorCode): value is VeristackError {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false
  return code === undefined || ('code' in value && value.code === code)
}

type Table = { readonly [code: ErrorCode]: { readonly title: string; readonly remedy: string } }

/**
 * A package's errors as data. Calling the result makes an error of that code:
 * `throw fail('VS_ZKML_UNSUPPORTED', { details: { operator: 'Softmax' } })`.
 */
export function defineErrors<const T extends Table>(table: T) {
  const descriptors: readonly ErrorDescriptor[] = Object.entries(table).map(([code, text]) => ({
    code: code as ErrorCode,
    ...text,
  }))
  const byCode = new Map(descriptors.map((d) => [d.code, d]))
  const make = (code: keyof T & ErrorCode, parameters?: ErrorParameters): VeristackError => {
    const descriptor = byCode.get(code)
    if (descriptor === undefined) throw new TypeError(`undeclared error code ${code}`)
    return new VeristackError(descriptor, parameters)
  }
  return Object.assign(make, { descriptors })
}
