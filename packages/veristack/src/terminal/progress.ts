import type { CommandIo, Progress } from '@veristack/core'

const BAR = 24
/** Where lines can not be redrawn, one is written at most this often. */
const QUIET_MS = 2000

export interface ProgressLine {
  show(event: Progress): void
  /** Removes the drawn line, so that a result can be printed. */
  clear(): void
}

/** Draws progress on one line of a terminal, or says it now and then in a log. */
export function progressLine(io: Pick<CommandIo, 'err' | 'isTerminal'>, clock: () => number = Date.now): ProgressLine {
  let drawn = false
  let last = { stage: '', at: Number.NEGATIVE_INFINITY }
  return {
    show: ({ stage, done, total }) => {
      const known = total !== undefined && total > 0
      const share = known ? Math.min(1, done / total) : 0
      const percent = known ? ` ${String(Math.floor(share * 100)).padStart(3)} %` : ''
      if (io.isTerminal) {
        const filled = Math.round(share * BAR)
        const bar = known ? ` ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}` : ''
        io.err(`\r\x1b[2K  ${stage}${bar}${percent}`)
        drawn = true
      } else if (stage !== last.stage || clock() - last.at >= QUIET_MS) {
        io.err(`  ${stage}${percent}\n`)
        last = { stage, at: clock() }
      }
    },
    clear: () => {
      if (drawn) io.err('\r\x1b[2K')
      drawn = false
    },
  }
}
