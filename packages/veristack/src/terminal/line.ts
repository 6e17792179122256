import type { CommandIo } from '@veristack/core'
import { isVeristackError } from '@veristack/core/receipt'

/** An error as one line: what happened, the facts, the code. Never a stack trace. */
export function errorLine(error: unknown): string {
  const root = deepest(error)
  if (isVeristackError(root)) {
    const facts = Object.entries(root.details).flatMap(([k, v]) => (v === undefined ? [] : [`${k}: ${String(v)}`]))
    return oneLine([root.shortMessage, ...facts, `${root.remedy} [${root.code}]`].join('; '))
  }
  return oneLine(root instanceof Error ? root.message : String(root))
}

/** A line that is no error, in the place of a progress line that may stand there. */
export function warn(io: Pick<CommandIo, 'err' | 'isTerminal'>, text: string): void {
  io.err(`${io.isTerminal ? '\r\x1b[2K' : ''}warning: ${oneLine(text)}\n`)
}

/** Wrapping errors only say where; the reader wants what. */
function deepest(error: unknown): unknown {
  const wraps = isVeristackError(error, 'VS_CORE_JOB_FAILED') || isVeristackError(error, 'VS_CORE_PLUGIN_FAILED')
  return wraps && error.cause !== undefined ? deepest(error.cause) : error
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()
