import type { Command } from '@veristack/core'
import { inspectCommand } from './inspect.ts'
import { verifyCommand } from './verify.ts'

/** What this package offers to the `veristack` command line. */
export const commands: readonly Command[] = [inspectCommand, verifyCommand]
