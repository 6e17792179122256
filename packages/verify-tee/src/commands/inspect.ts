import type { Command, CommandIo } from '@veristack/core'
import { moment } from '../moment.ts'
import { digestOf, findEvidence, onePiece, type Piece, unwrapped } from './evidence.ts'
import { readBytes } from './files.ts'
import { momentOf, parseCommand, partOf } from './options.ts'
import { json, row, type Section, table } from './print.ts'
import { type View, vendorOf } from './vendor.ts'

export const inspectCommand: Command = {
  name: 'tee inspect',
  summary: 'show what attestation evidence says, and what is wrong with it',
  usage: `veristack tee inspect FILE [--now T] [--part N] [--full] [--json]

FILE holds evidence of Intel SGX or TDX, AWS Nitro, AMD SEV-SNP or NVIDIA GPUs: bytes, hexadecimal, base64, PEM, or JSON
with any of these in it. No policy and no collateral are asked for, so nothing here is a verdict: see tee verify.
Exit status 0: shown, whatever is wrong with it. 1: no evidence is in the file.
--now T     judge certificates at this time: RFC 3339, Unix seconds, or the word now
            (default: a time that the evidence itself names, which is printed)
--part N    only the Nth piece of evidence in the file
--full      every byte of long values
--json      print JSON`,
  async run(args, io) {
    const { values, file } = parseCommand(args, {
      now: { type: 'string' },
      part: { type: 'string' },
      full: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    })
    const now = values.now === undefined ? undefined : momentOf(values.now).seconds
    const part = partOf(values.part)
    const pieces = findEvidence(await readBytes(io.cwd, file), file)
    const wanted = part === undefined ? pieces : [onePiece(pieces, part)]
    const seen: { readonly piece: Piece; readonly view: View }[] = []
    for (const piece of wanted) {
      io.signal.throwIfAborted()
      seen.push({ piece, view: await inspect(piece, now) })
    }
    if (values.json) io.out(json({ file, evidence: seen.map(({ piece, view }) => asJson(piece, view)) }))
    else print(io, file, seen, values.full)
    return 0
  },
}

async function inspect(piece: Piece, now: bigint | undefined): Promise<View> {
  const { kind, bytes, wrapped } = piece
  const view = await (await vendorOf[kind]()).inspect(unwrapped(piece), now)
  if (wrapped === undefined) return view
  const { by, offset, length } = wrapped
  const after = bytes.length - offset - length
  const around = `it lies in ${by}, ${offset} bytes before it and ${after} after it: tee verify refuses it until they are taken off`
  return { ...view, wrong: [around, ...view.wrong] }
}

function asJson({ kind, bytes, wrapped, found }: Piece, view: View) {
  const { vendor, at, held, wrong, open, claims } = view
  return {
    vendor,
    kind,
    found,
    bytes: bytes.length,
    sha256: digestOf(bytes),
    ...(wrapped === undefined ? {} : { wrapped }),
    ...(at === undefined ? {} : { at: { now: moment(at.seconds), why: at.why } }),
    held,
    wrong,
    open,
    ...(claims === undefined ? {} : { claims }),
  }
}

function print(
  io: CommandIo,
  file: string,
  seen: readonly { readonly piece: Piece; readonly view: View }[],
  full: boolean,
): void {
  for (const [i, { piece, view }] of seen.entries()) {
    const { found, bytes } = piece
    const { vendor, at, held, wrong, open } = view
    const head: Section = {
      title: seen.length > 1 ? `${vendor} (${i + 1} of ${seen.length})` : vendor,
      rows: [row('file', file), row('found', `${found}, ${bytes.length} bytes`), row('sha256', digestOf(bytes))],
    }
    const findings: Section = {
      title: 'checks that need no collateral and no policy',
      rows: [
        ...(at === undefined ? [] : [row('at', `${moment(at.seconds)}, ${at.why}`)]),
        row('wrong', wrong.length > 0 ? wrong : 'nothing found'),
        row('held', held.join(', ') || 'none'),
        ...(open.length > 0 ? [row('open', open)] : []),
      ],
    }
    io.out(table([head, ...view.sections, findings], full).slice(i === 0 ? 1 : 0))
  }
}
