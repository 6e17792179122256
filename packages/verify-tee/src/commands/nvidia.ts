import { moment } from '../moment.ts'
import {
  inspectNvidia,
  NRAS_ISSUER,
  type NvidiaAppraisal,
  type NvidiaClaims,
  type NvidiaDevice,
  type NvidiaRelyingParty,
  nvidiaDefaults,
  verifyNvidia,
} from '../nvidia/index.ts'
import { nvidiaCollateral } from './nvidia-collateral.ts'
import { hexRow, type Row, row, type Section } from './print.ts'
import {
  chainSection,
  findings,
  judgedBy,
  latest,
  nothingToFetch,
  reasonOf,
  type VendorCommands,
  type View,
} from './vendor.ts'

const anything = {
  appraisal: {
    hardware: 'any',
    drivers: 'any',
    vbios: 'any',
    tokens: { ...nvidiaDefaults.tokens, keys: 'collateral' },
    reports: { ...nvidiaDefaults.reports, measurements: 'any' },
  } satisfies NvidiaAppraisal,
  relyingParty: { nonce: 'any', devices: 'any', platforms: 'any' } satisfies NvidiaRelyingParty,
}

export const nvidia: VendorCommands = {
  inspect,
  defaultPolicy: anything,
  collateral: nvidiaCollateral,
  fetch: () =>
    Promise.reject(
      nothingToFetch(
        `tokens need ${NRAS_ISSUER}/.well-known/jwks.json, saved in a file; reports need lists and OCSP answers, as the README says`,
      ),
    ),
  verify: judgedBy(verifyNvidia),
}

const VENDOR = 'NVIDIA GPU'

async function inspect(evidence: Uint8Array, now: bigint | undefined): Promise<View> {
  const decoded = decodedClaims(evidence)
  if (decoded !== undefined)
    return {
      vendor: VENDOR,
      sections: Object.entries(decoded).map(([device, claims]) => flatSection(device, claims)),
      held: [],
      wrong: ['nobody signed these claims: they were taken out of a token, which is the evidence'],
      open: [],
      claims: decoded,
    }
  let claims: NvidiaClaims
  try {
    claims = inspectNvidia(evidence)
  } catch (error) {
    return { vendor: VENDOR, sections: [], held: [], wrong: [reasonOf(error)], open: [] }
  }
  const at = now === undefined ? timeOf(claims) : { seconds: now, why: 'as asked' }
  const appraisal = {
    ...anything.appraisal,
    reports: { ...anything.appraisal.reports, revocation: 'optional' as const },
  }
  const verdict = await verifyNvidia(evidence, { ...anything, appraisal, now: at?.seconds ?? 0n })
  return { vendor: VENDOR, sections: sectionsOf(claims), ...(at && { at }), ...findings(verdict), claims }
}

function timeOf({ token, devices }: NvidiaClaims): View['at'] {
  if (token !== undefined) return { seconds: BigInt(token.issuedAt), why: 'when the token says that it was issued' }
  const begins = latest(devices.flatMap(({ chain }) => chain ?? []).map(({ notBefore }) => BigInt(notBefore)))
  return begins === undefined ? undefined : { seconds: begins, why: 'when its newest certificate begins' }
}

function sectionsOf({ kind, nonce, token, devices }: NvidiaClaims): readonly Section[] {
  return [
    {
      title: kind === 'nras-tokens' ? "tokens of NVIDIA's Remote Attestation Service" : 'reports of the devices (SPDM)',
      rows: [
        hexRow('nonce', nonce),
        row('devices', devices.length),
        ...(token === undefined
          ? []
          : [
              row('version', token.version),
              row('issuer', token.issuer),
              row('key', token.keyId),
              row('issued at', moment(token.issuedAt)),
              row('valid', `${moment(token.notBefore)} to ${moment(token.expires)}`),
              row('overall result', token.result),
            ]),
      ],
    },
    ...devices.flatMap(deviceSections),
  ]
}

function deviceSections(device: NvidiaDevice): readonly Section[] {
  const { name, nras, report, chain = [] } = device
  const known = (label: string, value: string | undefined): readonly Row[] =>
    value === undefined ? [] : [row(label, value)]
  return [
    {
      title: name,
      rows: [
        ...known('kind', device.kind),
        ...known('model', device.hwModel),
        ...known('platform id', device.platformId),
        ...known('PDI', device.pdi),
        ...known('driver', device.driverVersion),
        ...known('VBIOS', device.vbiosVersion),
        ...(nras === undefined ? [] : nrasRows(nras)),
      ],
    },
    ...(report === undefined ? [] : reportSections(name, report)),
    chainSection(`${name}: certificate chain`, chain),
  ]
}

const nrasRows = (nras: NonNullable<NvidiaDevice['nras']>): readonly Row[] => [
  row('measurements', nras.measurements),
  row('secure boot', nras.secureBoot),
  row('debug', nras.debugStatus),
  row('warning', nras.warning ?? 'none'),
  row('not shown', nras.unproven.length === 0 ? 'nothing' : nras.unproven),
]

/** Most of the 64 slots are zero. */
function reportSections(name: string, report: NonNullable<NvidiaDevice['report']>): readonly Section[] {
  const all = Object.entries(report.measurements)
  const zero = all.filter(([, value]) => /^0*$/.test(value)).map(([index]) => index)
  return [
    {
      title: `${name}: measurements`,
      rows: [
        ...all.filter(([index]) => !zero.includes(index)).map(([index, value]) => hexRow(index, value)),
        ...(zero.length === 0 ? [] : [row('zero', zero.join(', '))]),
      ],
    },
    {
      title: `${name}: what the report says beside them`,
      rows: Object.entries(report.opaque).map(([field, value]) => hexRow(field, value)),
    },
  ]
}

/** Claims by device, as tools print them for people. */
function decodedClaims(evidence: Uint8Array): Readonly<Record<string, object>> | undefined {
  const text = new TextDecoder().decode(evidence).trim()
  if (!text.startsWith('{')) return undefined
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) return undefined
  const isDevice = ([name, claims]: readonly [string, unknown]): boolean =>
    /^(?:GPU|SWITCH)-\d/.test(name) && typeof claims === 'object' && claims !== null
  return Object.entries(value).every(isDevice) ? (value as Readonly<Record<string, object>>) : undefined
}

const MAX_ROWS = 200
const NAME_WIDTH = 46

function flatSection(title: string, claims: object): Section {
  const entries = Object.entries(claims)
  const rows = entries
    .slice(0, MAX_ROWS)
    .map(([name, value]) =>
      row(name.replace(/^x-nvidia-/, ''), typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')),
    )
  return {
    title,
    rows: entries.length > MAX_ROWS ? [...rows, row('…', `${entries.length - MAX_ROWS} more`)] : rows,
    nameWidth: NAME_WIDTH,
  }
}
