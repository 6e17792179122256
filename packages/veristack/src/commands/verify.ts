import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command, CommandIo } from '@veristack/core'
import { parseAnchors, parseReceipt, type Receipt, type ReceiptVerdict, verifyReceipt } from '@veristack/core/receipt'
import { discover, pluginVerifiers } from '../discover.ts'
import { fail } from '../errors.ts'
import { readText } from '../files.ts'

/**
 * `own`: the folder of this command line. Neither a model nor a chain is needed, and neither is loaded. The folder that the
 * receipt lies in is not looked into: whoever sent it would choose who judges it.
 */
export const verifyCommand = (own: string): Command => ({
  name: 'verify',
  summary: 'check a receipt against anchors that you pinned',
  usage: `veristack verify RECEIPT [--anchors FILE] [--plugins FOLDER] [--json]

Exit status 0: the requirement is met. 1: it is not, or not known to be; the reason is printed.
Anchors never come from the receipt. Take them from the publisher of the program, not from whoever sent the receipt.
--plugins FOLDER   also use the verifiers of the packages that FOLDER's package.json names; this runs their code
--now SECONDS      judge at this Unix time instead of now`,
  async run(args, io) {
    const { values, positionals } = options(args)
    const [path, ...more] = positionals
    if (path === undefined || more.length > 0)
      throw fail('VS_CLI_USAGE', { details: { expected: 'one receipt file', got: positionals.length } })
    const receipt = parseReceipt(await readText(io.cwd, path))
    const anchors = values.anchors === undefined ? undefined : parseAnchors(await readText(io.cwd, values.anchors))
    const folders = values.plugins === undefined ? [own] : [own, resolve(io.cwd, values.plugins)]
    const verifiers = await pluginVerifiers(await discover(folders))
    const verdict = await verifyReceipt(receipt, {
      verifiers,
      signal: io.signal,
      ...(values.now === undefined ? {} : { now: unixTime(values.now) }),
      ...(anchors === undefined ? {} : { anchors }),
    })
    if (values.json)
      io.out(`${JSON.stringify(verdict, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v), 2)}\n`)
    else print(io, receipt, verdict)
    return verdict.status === 'accepted' ? 0 : 1
  },
})

function options(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        anchors: { type: 'string' },
        json: { type: 'boolean', default: false },
        plugins: { type: 'string' },
        now: { type: 'string' },
      },
    })
  } catch (cause) {
    throw fail('VS_CLI_USAGE', { message: cause instanceof Error ? cause.message : String(cause), cause })
  }
}

function unixTime(text: string): bigint {
  if (!/^\d{1,18}$/.test(text))
    throw fail('VS_CLI_USAGE', { details: { field: '--now', expected: 'Unix seconds', got: text } })
  return BigInt(text)
}

/** `accepted`, or the status with its reason: `undetermined: anchor`, `rejected: VS_ZKML_…`. */
export function headline(verdict: ReceiptVerdict): string {
  if (verdict.status === 'undetermined') return `undetermined: ${verdict.missing}`
  if (verdict.status === 'rejected') return `rejected: ${verdict.code}`
  return verdict.status
}

function print(io: CommandIo, receipt: Receipt, verdict: ReceiptVerdict): void {
  io.out(`${headline(verdict)}\n`)
  io.out(
    `  request   ${receipt.request.id}\n  program   ${receipt.request.program}\n  claimant  ${receipt.signed.claim.claimant}\n`,
  )
  for (const { leaf, kind, verdict: v } of verdict.leaves) {
    const found =
      v.status === 'rejected'
        ? `rejected: ${v.code}`
        : v.status === 'undetermined'
          ? `undetermined: ${v.missing}`
          : v.status
    io.out(`  ${leaf.tier.padEnd(9)} ${found}${kind === undefined ? '' : ` (${kind})`}\n`)
  }
  for (const c of [...verdict.checks, ...verdict.leaves.flatMap((l) => l.verdict.checks)]) {
    if (c.outcome === 'fail') io.out(`  failed    ${c.name}${c.detail === undefined ? '' : `: ${c.detail}`}\n`)
  }
  for (const c of verdict.covers) io.out(`  proved    ${c.tensor} (${c.scheme})\n`)
  for (const a of verdict.assumptions) io.out(`  assuming  ${a}\n`)
  for (const { settlement, status } of verdict.settlements) {
    io.out(`  settled   ${status}: ${settlement.state} on ${settlement.network}, ${settlement.ref}\n`)
  }
}
