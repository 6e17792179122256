import type { CommandIo, Progress } from '@veristack/core'

const BAR = 24
/** Where lines can not be redrawn, work that takes longer than this is told, and told again when it got further. */
const QUIET_MS = 1000

export interface ProgressLine {
  show(event: Progress): void
  /** Removes the drawn line, so that a result can be printed; ends the telling until something is shown again. */
  clear(): void
}

/** Draws progress on one line of a terminal, or says now and then in a log what is still going on. */
export function progressLine(io: Pick<CommandIo, 'err' | 'isTerminal'>): ProgressLine {
  return io.isTerminal ? redrawn(io) : logged(io)
}

function shareOf({ done, total }: Progress): number | undefined {
  return total !== undefined && total > 0 ? Math.min(1, Math.max(0, done / total)) : undefined
}

const percent = (share: number | undefined): string =>
  share === undefined ? '' : ` ${String(Math.floor(share * 100)).padStart(3)} %`

function redrawn(io: Pick<CommandIo, 'err'>): ProgressLine {
  let drawn = false
  return {
    show: (event) => {
      const share = shareOf(event)
      const filled = Math.round((share ?? 0) * BAR)
      const bar = share === undefined ? '' : ` ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`
      io.err(`\r\x1b[2K  ${event.stage}${bar}${percent(share)}`)
      drawn = true
    },
    clear: () => {
      if (drawn) io.err('\r\x1b[2K')
      drawn = false
    },
  }
}

function logged(io: Pick<CommandIo, 'err'>): ProgressLine {
  let latest: Progress | undefined
  let timer: NodeJS.Timeout | undefined
  let told = ''
  const tell = (): void => {
    if (latest === undefined) return
    const line = `  ${latest.stage}${percent(shareOf(latest))}\n`
    if (line !== told) io.err(line)
    told = line
  }
  return {
    show: (event) => {
      latest = event
      // It must not keep a process alive that has nothing else to do.
      timer ??= setInterval(tell, QUIET_MS).unref()
    },
    clear: () => {
      clearInterval(timer)
      timer = undefined
      latest = undefined
    },
  }
}
