import type { Command } from '@veristack/core'
import { fetchCommand } from './fetch.ts'
import { inspectCommand } from './inspect.ts'
import { teeCommand } from './tee.ts'
import { verifyCommand } from './verify.ts'

const subcommands: readonly Command[] = [fetchCommand, inspectCommand, verifyCommand]

/** What this package offers to the `veristack` command line. */
export const commands: readonly Command[] = [teeCommand(subcommands), ...subcommands]
