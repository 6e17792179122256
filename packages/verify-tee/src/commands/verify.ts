import type { Command, CommandIo } from '@veristack/core'
import { moment } from '../moment.ts'
import type { CheckResult, TeeVerdict } from '../verdict.ts'
import { digestOf, findEvidence, onePiece, type Piece } from './evidence.ts'
import { readBytes, readFileOrFolder, readJson, unusable } from './files.ts'
import { type Moment, momentOf, parseCommand, partOf, required } from './options.ts'
import { hexRow, json, type Row, row, type Section, table } from './print.ts'
import { type Policy, type VendorCommands, vendorOf } from './vendor.ts'

export const verifyCommand: Command = {
  name: 'tee verify',
  summary: 'judge attestation evidence by your policy, at a time, offline',
  usage: `veristack tee verify FILE --policy P --now T [--collateral C] [--root R] [--part N] [--full] [--json]

Nothing is fetched. Exit status 0: accepted. 1: rejected or undetermined; the reason is printed.
--policy P      a JSON file {"appraisal":…,"relyingParty":…} with the vendor's policies, all of what they need; or the word
                default: the vendor's defaults with any code, any report data and any platform, which is printed
--now T         judge at this time: RFC 3339, Unix seconds, or the word now for the clock of this machine
--collateral C  what the vendor says of the platform: a file, or a folder of its parts, told apart by contents; what tee fetch
                wrote. Intel: a set {"tcb_info",…}, or the answers of PCS or PCCS. AMD: {"vek","issuer","crl"}, or
                certificates and list. NVIDIA: {"keySet","certificateChain","crls","ocsp"}, or key set (jwks.json), the
                chain of a report in one PEM file, lists and OCSP answers. Nitro: none
--root R        a certificate in place of the vendor's pinned root, DER or PEM: for tests and private PKIs
--part N        the Nth piece of evidence, where the file has several
--full          every byte of long values
--json          the verdict as JSON`,
  async run(args, io) {
    const { values, file } = parseCommand(args, {
      policy: { type: 'string' },
      now: { type: 'string' },
      collateral: { type: 'string' },
      root: { type: 'string' },
      part: { type: 'string' },
      full: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    })
    const policyName = required(values.policy, '--policy', 'a file, or the word default')
    const now = momentOf(required(values.now, '--now', 'RFC 3339, Unix seconds, or the word now'))
    const part = partOf(values.part)
    const piece = onePiece(findEvidence(await readBytes(io.cwd, file), file), part)
    const vendor = await vendorOf[piece.kind]()
    const policy = policyName === 'default' ? vendor.defaultPolicy : await readPolicy(io.cwd, policyName)
    const collateral = await readCollateral(io.cwd, values.collateral, vendor)
    const root = values.root === undefined ? undefined : await readBytes(io.cwd, values.root)
    io.signal.throwIfAborted()
    // As it lies in the file: a format around it is not part of the evidence.
    const verdict = await vendor.verify(piece.bytes, {
      policy,
      now: now.seconds,
      ...(collateral === undefined ? {} : { collateral: collateral.value }),
      ...(root === undefined ? {} : { root }),
    })
    const asked: Asked = {
      file,
      piece,
      policy,
      policyName,
      now,
      collateralName: values.collateral,
      unused: collateral?.unused ?? [],
      rootName: values.root,
    }
    if (values.json) io.out(json(asJson(verdict, asked)))
    else print(io, verdict, asked, values.full)
    return verdict.status === 'accepted' ? 0 : 1
  },
}

interface Asked {
  readonly file: string
  readonly piece: Piece
  readonly policy: Policy
  readonly policyName: string
  readonly now: Moment
  readonly collateralName: string | undefined
  readonly unused: readonly string[]
  readonly rootName: string | undefined
}

/** Both parts, and nothing else: what is inside them is the vendor's to refuse. */
async function readPolicy(cwd: string, path: string): Promise<Policy> {
  const value = await readJson(cwd, path)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const keys = isObject ? Object.keys(value).sort().join() : ''
  if (!isObject || keys !== 'appraisal,relyingParty')
    throw unusable(path, 'is no policy: expected {"appraisal":…,"relyingParty":…} and nothing else')
  return value as Policy
}

async function readCollateral(cwd: string, path: string | undefined, vendor: VendorCommands) {
  return path === undefined ? undefined : vendor.collateral(await readFileOrFolder(cwd, path))
}

function asJson(verdict: TeeVerdict<unknown>, asked: Asked) {
  const { piece, policy, now } = asked
  return {
    file: asked.file,
    found: piece.found,
    sha256: digestOf(piece.bytes),
    now: moment(now.seconds),
    policy,
    ...verdict,
  }
}

const LABELS = {
  'intel-sgx': 'Intel SGX',
  'intel-tdx': 'Intel TDX',
  'aws-nitro': 'AWS Nitro',
  'amd-sev-snp': 'AMD SEV-SNP',
  'nvidia-gpu': 'NVIDIA GPU',
} as const

function headline(verdict: TeeVerdict<unknown>): string {
  if (verdict.status === 'accepted') return 'accepted'
  return verdict.status === 'rejected' ? `rejected: ${verdict.code}` : `undetermined: ${verdict.missing} is missing`
}

function print(io: CommandIo, verdict: TeeVerdict<unknown>, asked: Asked, full: boolean): void {
  const { piece, now } = asked
  const why =
    verdict.status === 'accepted'
      ? []
      : [row('because', verdict.status === 'rejected' ? `${verdict.check}: ${verdict.detail}` : verdict.detail)]
  const hints = verdict.status === 'accepted' ? [] : [...wrappedHint(piece), ...collateralHint(verdict, asked)]
  const asWhat: Section = {
    title: headline(verdict),
    rows: [
      ...why,
      ...hints.map((text) => row('hint', text)),
      row('vendor', LABELS[verdict.vendor]),
      row('file', asked.file),
      row('found', `${piece.found}, ${piece.bytes.length} bytes`),
      row('sha256', digestOf(piece.bytes)),
      row('now', now.text),
      row('policy', asked.policyName),
      row('collateral', asked.collateralName ?? 'none given'),
      ...(asked.unused.length === 0 ? [] : [row('not used', asked.unused)]),
      ...(asked.rootName === undefined ? [] : [row('root', `${asked.rootName}, in place of the pinned one`)]),
    ],
  }
  const platform: Section = {
    title: 'platform and TCB',
    rows: [...idRows(verdict.platformId), ...tcbRows(verdict)],
  }
  const stages = (['evidence', 'appraisal', 'relying-party'] as const).map((stage) => checkSection(verdict, stage))
  const notCovered: Section = {
    title: 'not covered by any verdict',
    rows: verdict.notCovered.map((text) => row('-', text)),
    nameWidth: 2,
  }
  io.out(table([asWhat, platform, ...policySections(asked), ...stages, notCovered], full).slice(1))
}

const wrappedHint = ({ wrapped }: Piece): readonly string[] =>
  wrapped === undefined ? [] : [`evidence lies at byte ${wrapped.offset}, in ${wrapped.by}: take that off`]

function collateralHint(verdict: TeeVerdict<unknown>, { piece, collateralName }: Asked): readonly string[] {
  const lacks = verdict.status === 'undetermined' || (verdict.status === 'rejected' && verdict.code === 'VS_TEE_CRL')
  const isFetched = piece.kind === 'intel' || piece.kind === 'sev-snp'
  return lacks && isFetched && collateralName === undefined
    ? ['veristack tee fetch FILE --out DIR, then --collateral DIR']
    : []
}

const idRows = (id: string | undefined): readonly Row[] => [
  id === undefined
    ? row('platform id', 'not known')
    : /^(?:[0-9a-f]{2})+$/.test(id)
      ? hexRow('platform id', id)
      : row('platform id', id),
]

function tcbRows({ tcb }: TeeVerdict<unknown>): readonly Row[] {
  if (tcb === undefined) return [row('TCB status', 'not known')]
  const parts = Object.entries(tcb.parts ?? {}).map(([name, status]) => `${name} ${status}`)
  return [
    row('TCB status', tcb.status),
    ...(parts.length === 0 ? [] : [row('of its parts', parts.join(', '))]),
    row('advisories', tcb.advisories.join(', ') || 'none'),
  ]
}

/** A default that somebody asked for is said in full, so that it can be read, kept and changed. */
function policySections({ policyName, policy }: Asked): readonly Section[] {
  if (policyName !== 'default') return []
  const fields = (part: unknown): readonly Row[] =>
    Object.entries(part ?? {}).map(([name, value]) => row(name, JSON.stringify(value, null, 1).replace(/\n */g, ' ')))
  const nameWidth = 28
  return [
    {
      title: "default policy: the vendor's defaults, for any code: appraisal",
      rows: fields(policy.appraisal),
      nameWidth,
    },
    { title: 'default policy: relyingParty', rows: fields(policy.relyingParty), nameWidth },
  ]
}

const CHECK_WIDTH = 32

function checkSection({ checks }: TeeVerdict<unknown>, stage: CheckResult['stage']): Section {
  const rows = checks
    .filter((check) => check.stage === stage)
    .map(({ id, title, outcome, detail = title }) => {
      // Of a check that passed the detail may be what it would have failed with.
      const said = outcome === 'pass' ? title : detail
      return row(
        `${outcome.padEnd(8)} ${id}`,
        outcome === 'fail' && said !== title ? [said, `expected: ${title}`] : said,
      )
    })
  return { title: `checks: ${stage}`, rows, nameWidth: CHECK_WIDTH }
}
