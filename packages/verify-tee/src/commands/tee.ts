import type { Command } from '@veristack/core'
import { invalidOption } from '../policy/index.ts'

/** `veristack tee`, which only tells what there is. */
export function teeCommand(commands: readonly Command[]): Command {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`)
  const synopses = commands.map(({ usage }) => `  ${usage.split('\n')[0]}`)
  const usage = `veristack tee COMMAND FILE [OPTIONS]

Remote attestation, judged offline: Intel SGX and TDX, AWS Nitro, AMD SEV-SNP, NVIDIA GPUs.

${lines.join('\n')}

${synopses.join('\n')}

veristack tee COMMAND --help tells what its options mean.`
  return {
    name: 'tee',
    summary: 'tell the commands for attestation evidence',
    usage,
    run([first], io) {
      const expected = commands.map(({ name }) => name.split(' ')[1]).join(', ')
      // What stands there may be a secret in the wrong place.
      if (first !== undefined)
        return Promise.reject(
          invalidOption('tee COMMAND', expected, /^[a-z][a-z-]{0,31}$/.test(first) ? first : 'something else'),
        )
      io.out(`${usage}\n`)
      return Promise.resolve(0)
    },
  }
}
