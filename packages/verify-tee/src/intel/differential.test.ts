import { X509Certificate as PeculiarCertificate } from '@peculiar/x509'
import { CertificateRevocationList } from 'pkijs'
import { commonName, parseCertificate, parseCrl } from '../pki/index.ts'
import { type IntelCollateral, verifyIntel } from './index.ts'
import { parseQuote } from './parse.ts'
import { phalaVerifier } from './phala.fixture.ts'
import {
  type CollateralParts,
  certificate,
  makeCollateral,
  makeQuote,
  NOW,
  type QuoteParts,
} from './platform.fixture.ts'
import { ANYONE, collateralOf, has, index, LENIENT, present, quoteOf, seconds } from './vectors.fixture.ts'

/* Others judge the same evidence. Where they answer otherwise, it is written here, with the reason. */

/** The status that @phala/dcap-qvl gives, or `refused`. */
function phala(quote: Uint8Array, collateral: IntelCollateral, now: bigint, root?: Uint8Array): string {
  try {
    return phalaVerifier(root)(quote, collateral, now)
  } catch {
    return 'refused'
  }
}

async function ours(quote: Uint8Array, collateral: IntelCollateral, now: bigint, root?: Uint8Array): Promise<string> {
  const verdict = await verifyIntel(quote, {
    collateral,
    appraisal: LENIENT,
    relyingParty: ANYONE,
    now,
    ...(root === undefined ? {} : { root }),
  })
  return verdict.status === 'accepted' ? (verdict.tcb?.status ?? '') : 'refused'
}

if (!present) test('captured Intel evidence is not beside the project: it was not compared', () => undefined)
else {
  const pairs = index().flatMap((e) => [
    ...Object.entries(e.tcb_evaluation ?? {}).map(([file, { at }]) => [e.file, file, at] as const),
    ...(e.use_with === undefined || e.at === undefined ? [] : [[e.use_with, e.file, e.at] as const]),
  ])
  /** What is accepted there and refused here. */
  const EXPLAINED: Readonly<Record<string, string>> = {
    'neg-crl-badsig_collateral.json': 'a revocation list that an attacker signed is passed over',
    'neg-crl-expired_collateral.json': 'revocation lists that are years old are passed over',
  }
  test.each(pairs.filter(([, file]) => has(file)))('@phala/dcap-qvl on %s with %s', async (file, given, at) => {
    const [quote, collateral, now] = [quoteOf(file), collateralOf(given), seconds(at)]
    const theirs = phala(quote, collateral, now)
    const verdict = await ours(quote, collateral, now)
    if (given in EXPLAINED) expect([theirs, verdict]).toEqual(['UpToDate', 'refused'])
    else expect(verdict).toBe(theirs)
  })
}

type Part = { readonly quote?: QuoteParts; readonly collateral?: CollateralParts; readonly now?: bigint }
const judgeBoth = async ({ quote = {}, collateral = {}, now = NOW }: Part) => {
  const made = [
    makeQuote(quote),
    makeCollateral({ tee: quote.kind?.startsWith('sgx') ? 'SGX' : 'TDX', ...collateral }),
  ] as const
  const root = certificate('root')
  return { theirs: phala(...made, now, root), ours: await ours(...made, now, root) }
}

test.each<[string, Part]>([
  ['honest TDX', {}],
  ['honest SGX', { quote: { kind: 'sgx-v3' } }],
  ['TD 1.5', { quote: { kind: 'tdx-v5-1.5' } }],
  ['a changed body', { quote: { signed: (s) => s.with(200, 77) } }],
  ['debug', { quote: { body: { tdAttributes: '01000010' } } }],
  ['an expired TCB info', { now: NOW + 90_000n }],
  ['another QE', { quote: { qe: { mrSigner: '00' } } }],
  ['an old QE', { quote: { qe: { isvSvn: '0100' } } }],
  ['a service domain', { quote: { kind: 'tdx-v5-1.5', body: { mrServiceTd: '01' } } }],
])('@phala/dcap-qvl agrees on %s of our own', async (_, part) => {
  const { theirs, ours: mine } = await judgeBoth(part)
  expect(mine).toBe(theirs)
})

const pceId = {
  chain: [certificate('pck', undefined, { pceId: '0001' }), certificate('platform'), certificate('root')],
}
test.each<[why: string, theirs: string, ours: string, part: Part]>([
  ['bytes after a quote are cut off there', 'UpToDate', 'refused', { quote: { trailing: Uint8Array.of(1) } }],
  [
    'the module’s own level is not looked at there',
    'UpToDate',
    'refused',
    { quote: { body: { teeTcbSvn: '06090300' } } },
  ],
  [
    'the module’s signer is not looked at there',
    'UpToDate',
    'refused',
    { quote: { body: { teeTcbSvn: '06000300', mrSignerSeam: '01' } } },
  ],
  ['the PCE id is not looked at there', 'UpToDate', 'refused', { quote: pceId }],
  [
    'only the first half of the binding is compared there',
    'UpToDate',
    'refused',
    {
      quote: { binding: `${Buffer.from(parseQuote(makeQuote()).qeReportBytes.slice(320, 352)).toString('hex')}01` },
    },
  ],
  [
    'of two members of one name the last counts there',
    'UpToDate',
    'refused',
    {
      collateral: {
        tcbText: (t) => t.replace('"tcbStatus":"UpToDate"', '"tcbStatus":"OutOfDate","tcbStatus":"UpToDate"'),
      },
    },
  ],
  [
    'components 0 and 1 are compared there, though the module has an identity',
    'OutOfDate',
    'UpToDate',
    { quote: { body: { teeTcbSvn: '04010300' } } },
  ],
  [
    'features are not looked at there',
    'UpToDate',
    'refused',
    { quote: { body: { teeTcbSvn: '06010300', xfam: '0300000000000080' } } },
  ],
])('@phala/dcap-qvl disagrees: %s', async (_, theirs, mine, part) => {
  expect(await judgeBoth(part)).toEqual({ theirs, ours: mine })
})

const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

test('@peculiar/x509 and pkijs read the same certificates and lists', () => {
  const collateral = [makeCollateral({ pckCrl: { revoked: [{ serial: 5n }, { serial: 1n << 150n }] } })]
  const quotes = [makeQuote()]
  if (present)
    for (const e of index()) {
      if (e.kind === 'quote') quotes.push(quoteOf(e.file))
      if (e.file.endsWith('_collateral.json')) collateral.push(collateralOf(e.file))
    }
  const chains = quotes.flatMap((quote) => {
    const { certification } = parseQuote(quote)
    return certification.kind === 'chain' ? certification.chain : []
  })
  for (const { der } of chains) {
    const [mine, theirs] = [parseCertificate(der, 'certificate'), new PeculiarCertificate(buffer(der))]
    expect(BigInt(`0x${mine.serial}`)).toBe(BigInt(`0x${theirs.serialNumber}`))
    expect(mine.notBefore).toBe(BigInt(theirs.notBefore.getTime()) / 1000n)
    expect(mine.notAfter).toBe(BigInt(theirs.notAfter.getTime()) / 1000n)
    expect(theirs.subject).toContain(`CN=${commonName(mine.subject)}`)
  }
  for (const { root_ca_crl, pck_crl } of collateral)
    for (const der of [root_ca_crl, pck_crl].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))) {
      const list = CertificateRevocationList.fromBER(buffer(der))
      const serials = (list.revokedCertificates ?? []).map((r) =>
        Buffer.from(r.userCertificate.valueBlock.valueHexView).toString('hex').replace(/^00/, ''),
      )
      expect([...parseCrl(der, 'list').revoked]).toEqual(serials)
    }
})
