import { join } from 'node:path'
import type { Command, CommandIo } from '@veristack/core'
import { inferCommand } from './commands/infer.ts'
import { lowerCommand } from './commands/lower.ts'
import { verifyCommand } from './commands/verify.ts'
import { discover, pluginCommands } from './discover.ts'
import { fail } from './errors.ts'
import { readText } from './files.ts'
import { errorLine } from './terminal/line.ts'

export interface Roots {
  /** The folder of this package: its dependencies are this command line's own. */
  readonly own: string
  /** The folder that the user works in: its package.json may name plugins with commands. */
  readonly folder: string
}

export async function main(argv: readonly string[], io: CommandIo, roots: Roots): Promise<number> {
  try {
    if (argv[0] === '--version' && argv.length === 1) {
      io.out(`${await version(roots.own)}\n`)
      return 0
    }
    const own = [inferCommand, lowerCommand, verifyCommand(roots.own)]
    const builtIn = find(own, argv)
    if (builtIn !== undefined) return await invoke(builtIn, argv, io)
    const { commands, failures } = await pluginCommands(await discover([roots.own, roots.folder]))
    const all = [...own, ...commands]
    if (argv.length === 0 || argv[0] === '--help' || argv[0] === 'help') {
      io.out(help(all))
      for (const failure of failures) io.err(`veristack: ${errorLine(failure)}\n`)
      return 0
    }
    const command = find(all, argv)
    // What was asked for may be what could not be loaded.
    if (command === undefined && failures.length > 0) throw failures[0]
    if (command === undefined)
      throw fail('VS_CLI_UNKNOWN_COMMAND', {
        details: { got: leadingWords(argv), known: all.map((c) => c.name).join(', ') },
      })
    return await invoke(command, argv, io)
  } catch (error) {
    io.err(`veristack: ${errorLine(error)}\n`)
    return 1
  }
}

async function version(own: string): Promise<string> {
  const manifest = JSON.parse(await readText(own, join(own, 'package.json'))) as { readonly version: string }
  return manifest.version
}

/** Without options and values: what stands there may be a secret in the wrong place. */
function leadingWords(argv: readonly string[]): string {
  const end = argv.findIndex((a) => !/^[a-z][a-z-]{0,31}$/.test(a))
  return argv.slice(0, end === -1 ? argv.length : end).join(' ') || 'something else'
}

const words = (command: Command): readonly string[] => command.name.split(' ')

/** The longest name that the arguments begin with. */
function find(commands: readonly Command[], argv: readonly string[]): Command | undefined {
  return [...commands]
    .sort((a, b) => words(b).length - words(a).length)
    .find((c) => words(c).every((word, i) => argv[i] === word))
}

async function invoke(command: Command, argv: readonly string[], io: CommandIo): Promise<number> {
  const args = argv.slice(words(command).length)
  // Only by itself: a file that is called --help must not turn a refusal into a success.
  if (args.length === 1 && args[0] === '--help') {
    io.out(`${command.usage}\n`)
    return 0
  }
  return command.run(args, io)
}

function help(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((c) => c.name.length)) + 2
  const lines = commands.map((c) => `  ${c.name.padEnd(width)}${c.summary}`)
  return `veristack COMMAND [OPTIONS]\n\n${lines.join('\n')}\n\nveristack COMMAND --help tells a command's options; veristack --version the version.\n`
}
