import type { Command } from '@veristack/core'
import { deployCommand } from './deploy.ts'

/** What this package offers to the `veristack` command line. */
export const commands: readonly Command[] = [deployCommand]
