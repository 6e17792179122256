import type { Command } from '@veristack/core'
import { invalidOption, shown } from '../policy/index.ts'
import { digestOf, findEvidence, onePiece, unwrapped } from './evidence.ts'
import { mustBeFree, readBytes, writeFolder } from './files.ts'
import { momentOf, parseCommand, partOf, required } from './options.ts'
import { row, table } from './print.ts'
import { type Fetching, vendorOf } from './vendor.ts'

/** For all that is asked together: a service may answer for ever. */
const LONGEST_MS = 120_000

export const fetchCommand: Command = {
  name: 'tee fetch',
  summary: 'fetch the collateral that attestation evidence needs into a new folder',
  usage: `veristack tee fetch FILE --out DIR [--base-url U | --pccs-url U] [--root-crl-url U] [--update W] [--product P] [--part N]

Asks Intel's or AMD's service for what it says of the platform that the evidence in FILE names, and puts it into DIR, which
tee verify --collateral reads. Nothing is judged here, and nothing is written over: DIR appears whole, or not at all.
After two minutes it gives up.
Exit status 0: DIR is there. 1: otherwise.
--out DIR          a folder that is not there yet, or is empty
--base-url U       of a mirror, in place of https://api.trustedservices.intel.com (Intel) or https://kdsintf.amd.com (AMD)
--pccs-url U       Intel: of a Provisioning Certificate Caching Service
--root-crl-url U   Intel: of the root's revocation list
--update W         Intel: standard (unless told) or early, as soon as Intel issues TCB info
--product P        AMD: Milan, Genoa or Turin, for reports of version 2, which do not say it
--part N           the Nth piece of evidence, where the file has several

Nitro documents need no collateral. For NVIDIA the README says what to save, and from where.`,
  async run(args, io) {
    const { values, file } = parseCommand(args, {
      out: { type: 'string' },
      'base-url': { type: 'string' },
      'pccs-url': { type: 'string' },
      'root-crl-url': { type: 'string' },
      update: { type: 'string' },
      product: { type: 'string' },
      part: { type: 'string' },
    })
    const out = required(values.out, '--out', 'a folder for the collateral')
    const addresses = {
      ...address('baseUrl', '--base-url', values['base-url']),
      ...address('pccsUrl', '--pccs-url', values['pccs-url']),
      ...address('rootCrlUrl', '--root-crl-url', values['root-crl-url']),
    }
    if (addresses.baseUrl !== undefined && addresses.pccsUrl !== undefined)
      throw invalidOption('--base-url', 'one of --base-url and --pccs-url', 'both')
    const piece = onePiece(findEvidence(await readBytes(io.cwd, file), file), partOf(values.part))
    await mustBeFree(io.cwd, out)
    const vendor = await vendorOf[piece.kind]()
    const files = await vendor.fetch(unwrapped(piece), {
      fetch,
      now: momentOf('now').seconds,
      signal: AbortSignal.any([io.signal, AbortSignal.timeout(LONGEST_MS)]),
      ...addresses,
      ...(values.update === undefined ? {} : { update: values.update }),
      ...(values.product === undefined ? {} : { product: values.product }),
    })
    await writeFolder(io.cwd, out, files)
    const rows = files.map(({ name, bytes }) => row(name, [`${bytes.length} bytes`, `sha256 ${digestOf(bytes)}`]))
    const next = `veristack tee verify FILE --collateral ${out} --policy P --now T`
    io.out(
      table(
        [
          { title: `fetched into ${out}`, rows },
          { title: 'not judged yet', rows: [row('next', next)] },
        ],
        true,
      ).slice(1),
    )
    return 0
  },
}

/** Of http or https, and without a secret in it: errors name it. */
function address(
  key: 'baseUrl' | 'pccsUrl' | 'rootCrlUrl',
  name: string,
  given: string | undefined,
): Partial<Fetching> {
  if (given === undefined) return {}
  const expected = 'an address of http or https, without a user, query or fragment'
  let url: URL
  try {
    url = new URL(given)
  } catch {
    throw invalidOption(name, expected, shown(given))
  }
  if (url.username !== '' || url.password !== '') throw invalidOption(name, expected, 'one with a user')
  if (!/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw invalidOption(name, expected, shown(given))
  return { [key]: given }
}
