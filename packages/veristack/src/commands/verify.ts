import { join, resolve } from 'node:path'
import type { Command, CommandIo } from '@veristack/core'
import {
  bigints,
  isIntegerType,
  numbers,
  parseAnchors,
  parseReceipt,
  type Receipt,
  type ReceiptVerdict,
  type Tensor,
  tensorSpec,
  type Verdict,
  verifyReceipt,
} from '@veristack/core/receipt'
import { discover, pluginVerifiers } from '../discover.ts'
import { fail } from '../errors.ts'
import { readText } from '../files.ts'
import { shown } from '../terminal/values.ts'
import { parseOptions } from './options.ts'

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
--anchors FILE     what you pinned: the digests of keys, measurements or contracts that evidence may rest on
--require TIERS    what you yourself demand beside the request's requirement: tiers, separated by commas, all of them
--plugins FOLDER   also use the verifiers of the packages that FOLDER's package.json names; this runs their code
--now SECONDS      judge at this Unix time instead of now
--json             the verdict as JSON, with the outputs that it speaks for`,
  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      anchors: { type: 'string' },
      json: { type: 'boolean', default: false },
      plugins: { type: 'string' },
      require: { type: 'string' },
      now: { type: 'string' },
    })
    const [path, ...more] = positionals
    if (path === undefined || more.length > 0)
      throw fail('VS_CLI_USAGE', { details: { expected: 'one receipt file', got: positionals.length } })
    const receipt = parseReceipt(await readText(io.cwd, path))
    const anchors = values.anchors === undefined ? undefined : parseAnchors(await readText(io.cwd, values.anchors))
    const folders = values.plugins === undefined ? [own] : [own, await pluginFolder(io.cwd, values.plugins)]
    const verifiers = await pluginVerifiers(await discover(folders))
    const verdict = await verifyReceipt(receipt, {
      verifiers,
      signal: io.signal,
      ...(values.now === undefined ? {} : { now: unixTime(values.now) }),
      ...(anchors === undefined ? {} : { anchors }),
      ...(values.require === undefined ? {} : { require: { all: tiersOf(values.require) } }),
    })
    if (values.json)
      io.out(
        `${JSON.stringify({ ...verdict, outputs: coveredOutputs(receipt, verdict).map(outputJson) }, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v), 2)}\n`,
      )
    else print(io, receipt, verdict)
    return verdict.status === 'accepted' ? 0 : 1
  },
})

/** The folder, if it can name packages at all: one that is mistyped must not pass for one that names none. */
async function pluginFolder(cwd: string, path: string): Promise<string> {
  const manifest = join(path, 'package.json')
  const text = await readText(cwd, manifest)
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return resolve(cwd, path)
  } catch {
    // No JSON is told as any other text that is no manifest.
  }
  throw fail('VS_CLI_FILE', { details: { path: manifest, expected: 'a JSON object that names packages' } })
}

/**
 * Outputs that the verdict speaks for: those whose commitments it covers, which the verifiers have opened with them. A
 * rejected receipt states nothing.
 */
function coveredOutputs(receipt: Receipt, verdict: ReceiptVerdict): readonly Tensor[] {
  if (verdict.status === 'rejected') return []
  const covered = new Set(verdict.covers.flatMap((c) => c.tensor.split(',')))
  return receipt.outputs.filter((t) => covered.has(tensorSpec(t)))
}

const valuesOf = (t: Tensor): readonly (number | bigint)[] => (isIntegerType(t.type) ? bigints(t) : numbers(t))

/** 64-bit integers as text, which JSON has no numbers for. */
function outputJson(t: Tensor) {
  const wide = t.type === 'int64' || t.type === 'uint64'
  const values = wide ? bigints(t).map(String) : numbers(t)
  return { name: t.name, type: t.type, shape: t.shape, values }
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

interface Judged {
  readonly kind: string | undefined
  readonly verdict: Verdict
}

const isMissing = ({ verdict }: Judged, missing: string): boolean =>
  verdict.status === 'undetermined' && verdict.missing === missing

/** Nothing in the receipt could be this tier's, unlike evidence of which a part is elsewhere. */
const lacksEvidence = (j: Judged): boolean => j.kind === undefined && isMissing(j, 'blob')

/** What would make more of a verdict that is open. */
function hints(verdict: ReceiptVerdict): readonly string[] {
  if (verdict.status !== 'undetermined') return []
  const judged = [...verdict.leaves.map((l) => ({ ...l, tier: l.leaf.tier })), ...verdict.demands]
  const of = (list: readonly { readonly tier: string }[]): string => [...new Set(list.map((j) => j.tier))].join(', ')
  const unjudged = judged.filter((j) => isMissing(j, 'plugin'))
  const lacking = judged.filter(lacksEvidence)
  const anchorless = judged.filter((j) => isMissing(j, 'anchor'))
  const found: string[] = []
  if (unjudged.length > 0) {
    const kinds = [...new Set(unjudged.flatMap((j) => j.kind ?? []))].join(', ')
    found.push(
      `nothing installed here judges ${kinds === '' ? of(unjudged) : kinds}: try --plugins FOLDER, a folder whose package.json names the package that does`,
    )
  }
  if (lacking.length > 0) found.push(`the receipt has no evidence of ${of(lacking)}: ask whoever made it to add some`)
  if (anchorless.length > 0)
    found.push(`nothing is pinned for ${of(anchorless)}: try --anchors FILE, from the program's publisher`)
  if (found.length === 0 && verdict.missing === 'plugin')
    found.push('no evidence that was accepted speaks for every output of the receipt')
  return found
}

function print(io: CommandIo, receipt: Receipt, verdict: ReceiptVerdict): void {
  io.out(`${headline(verdict)}\n`)
  io.out(
    `  request   ${receipt.request.id}\n  program   ${receipt.request.program}\n  claimant  ${receipt.signed.claim.claimant}\n`,
  )
  for (const hint of hints(verdict)) io.out(`  hint      ${hint}\n`)
  const show = (name: string, j: Judged) => {
    const about = j.kind ?? (lacksEvidence(j) ? 'no evidence of this tier' : undefined)
    io.out(`  ${name.padEnd(9)} ${headline(j.verdict)}${about === undefined ? '' : ` (${about})`}\n`)
  }
  for (const l of verdict.leaves) show(l.leaf.tier, l)
  for (const d of verdict.demands) show(`demanded  ${d.tier}`, d)
  for (const e of verdict.evidence.filter((e) => e.leaf === undefined)) show('beside', e)
  for (const c of [...verdict.checks, ...[...verdict.leaves, ...verdict.demands].flatMap((l) => l.verdict.checks)]) {
    if (c.outcome === 'fail') io.out(`  failed    ${c.name}${c.detail === undefined ? '' : `: ${c.detail}`}\n`)
  }
  for (const t of coveredOutputs(receipt, verdict))
    io.out(`  output    ${t.name} = ${shown(valuesOf(t))}  (${t.type}[${t.shape.join('x')}])\n`)
  for (const c of verdict.covers) io.out(`  proved    ${c.tensor} (${c.scheme})\n`)
  for (const a of verdict.assumptions) io.out(`  assuming  ${a}\n`)
  for (const { settlement, status, reason } of verdict.settlements) {
    const why = reason === undefined ? '' : ` (${reason})`
    io.out(`  settled   ${status}${why}: ${settlement.state} on ${settlement.network}, ${settlement.ref}\n`)
  }
}
