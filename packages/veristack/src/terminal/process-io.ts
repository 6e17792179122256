import type { CommandIo } from '@veristack/core'

/** This process's terminal. The first ctrl-c ends the work in an orderly way, the second at once. */
export function processIo(): CommandIo {
  const controller = new AbortController()
  process.once('SIGINT', () => {
    controller.abort(new Error('interrupted'))
    process.once('SIGINT', () => process.exit(130))
  })
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    cwd: process.cwd(),
    signal: controller.signal,
    isTerminal: process.stderr.isTTY === true,
  }
}
