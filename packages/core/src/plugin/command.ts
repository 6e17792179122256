/** What a command may touch of the world: a terminal in production, strings in a test. */
export interface CommandIo {
  out(text: string): void
  err(text: string): void
  readonly cwd: string
  /** Aborted by ctrl-c. */
  readonly signal: AbortSignal
  /** Whether `err` is a terminal that redraws lines. */
  readonly isTerminal: boolean
}

/**
 * A command of the `veristack` command line. A package offers its own by naming a module in its package.json,
 * `"veristack": { "commands": "<package>/<subpath>" }`, that exports `commands: readonly Command[]`; the module is loaded
 * when one of its commands is called or help is asked for.
 */
export interface Command {
  /** Words separated by spaces: `quorum members`. */
  readonly name: string
  readonly summary: string
  /** Shown by `--help`; the synopsis on its first line. */
  readonly usage: string
  /** Returns the exit status. Throws typed errors, which are shown as one line. */
  run(args: readonly string[], io: CommandIo): Promise<number>
}
