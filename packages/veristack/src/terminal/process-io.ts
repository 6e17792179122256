import type { CommandIo } from '@veristack/core'

/** What a shell says of a process that SIGPIPE or SIGINT ended. */
const [PIPE_CLOSED, INTERRUPTED] = [141, 130]

/**
 * This process's terminal. The first ctrl-c ends the work in an orderly way, the second at once. Whoever reads the output
 * may stop reading (`| head -1`): the work is then finished without a word, so that nothing is left half settled, and the
 * exit status is 141 where it would have been 0.
 */
export function processIo(): CommandIo {
  const controller = new AbortController()
  let unread = false
  const err = writerTo(process.stderr, () => {})
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort(new Error('interrupted'))
    const line = process.stderr.isTTY === true ? '\n' : ''
    err(`${line}stopping; ctrl-c again ends it at once\n`)
  })
  process.once('exit', (status) => {
    if (controller.signal.aborted && status === 1) process.exitCode = INTERRUPTED
    else if (unread && status === 0) process.exitCode = PIPE_CLOSED
  })
  return {
    out: writerTo(process.stdout, () => {
      unread = true
    }),
    err,
    cwd: process.cwd(),
    signal: controller.signal,
    isTerminal: process.stderr.isTTY === true,
  }
}

/** Ends this process with a status as soon as nothing is left to do, or at once where it was interrupted. */
export function endProcess(status: number, { signal }: Pick<CommandIo, 'signal'>): void {
  process.exitCode = status
  // Computations that were given up go on, and nobody wants what they make.
  if (signal.aborted) process.exit()
}

/** Writes until nobody reads any more. */
function writerTo(stream: NodeJS.WriteStream, closed: () => void): (text: string) => void {
  let open = true
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    open = false
    closed()
  })
  return (text) => {
    if (open) stream.write(text)
  }
}
