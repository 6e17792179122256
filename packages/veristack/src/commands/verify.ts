import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command, CommandIo } from '@veristack/core'
import {
  parseAnchors,
  parseReceipt,
  type Receipt,
  type ReceiptVerdict,
  type Verdict,
  verifyReceipt,
} from '@veristack/core/receipt'
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
  usage: `veristack verify RECEIPT [--anchors FILE] [--require TIERS] [--plugins FOLDER] [--json]

Exit status 0: the requirement is met, and so is --require. 1: it is not, or not known to be; the reason is printed.
Anchors never come from the receipt. Take them from the publisher of the program, not from whoever sent the receipt.
--require TIERS    what you yourself demand beside the request's requirement: tiers, separated by commas, all of them
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
      ...(values.require === undefined ? {} : { require: { all: tiersOf(values.require) } }),
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
        require: { type: 'string' },
        now: { type: 'string' },
      },
    })
  } catch (cause) {
    throw fail('VS_CLI_USAGE', { message: cause instanceof Error ? cause.message : String(cause), cause })
  }
}

function tiersOf(text: string): readonly string[] {
  const tiers = text.split(',').map((t) => t.trim())
  if (tiers.includes(''))
    throw fail('VS_CLI_USAGE', {
      details: { field: '--require', expected: 'tiers, such as zkml,acme/quorum', got: text },
    })
  return tiers
}

function unixTime(text: string): bigint {
  if (!/^\d{1,18}$/.test(text))
    throw fail('VS_CLI_USAGE', { details: { field: '--now', expected: 'Unix seconds', got: text } })
  return BigInt(text)
}

/** `accepted`, or the status with its reason: `undetermined: anchor`, `rejected: VS_ZKML_…`. */
export function headline(verdict: ReceiptVerdict | Verdict): string {
  if (verdict.status === 'undetermined') return `undetermined: ${verdict.missing}`
  if (verdict.status === 'rejected') return `rejected: ${verdict.code}`
  return verdict.status
}

function print(io: CommandIo, receipt: Receipt, verdict: ReceiptVerdict): void {
  io.out(`${headline(verdict)}\n`)
  io.out(
    `  request   ${receipt.request.id}\n  program   ${receipt.request.program}\n  claimant  ${receipt.signed.claim.claimant}\n`,
  )
  const show = (name: string, { kind, verdict: v }: { readonly kind: string | undefined; readonly verdict: Verdict }) =>
    io.out(`  ${name.padEnd(9)} ${headline(v)}${kind === undefined ? '' : ` (${kind})`}\n`)
  for (const l of verdict.leaves) show(l.leaf.tier, l)
  for (const d of verdict.demands) show(`demanded  ${d.tier}`, d)
  for (const e of verdict.evidence.filter((e) => e.leaf === undefined)) show('beside', e)
  for (const c of [...verdict.checks, ...[...verdict.leaves, ...verdict.demands].flatMap((l) => l.verdict.checks)]) {
    if (c.outcome === 'fail') io.out(`  failed    ${c.name}${c.detail === undefined ? '' : `: ${c.detail}`}\n`)
  }
  for (const c of verdict.covers) io.out(`  proved    ${c.tensor} (${c.scheme})\n`)
  for (const a of verdict.assumptions) io.out(`  assuming  ${a}\n`)
  for (const { settlement, status, reason } of verdict.settlements) {
    const why = reason === undefined ? '' : ` (${reason})`
    io.out(`  settled   ${status}${why}: ${settlement.state} on ${settlement.network}, ${settlement.ref}\n`)
  }
}
