import {
  certificate as intelCertificate,
  ourOptions as intelOptions,
  makeCollateral,
  makeQuote,
} from './intel/platform.fixture.ts'
import { verifyIntel } from './intel/verify.ts'
import { makeEvidence, ourOptions as nitroOptions, ourRoot } from './nitro/enclave.fixture.ts'
import { verifyNitro } from './nitro/verify.ts'
import { honestList, ourOptions as nvidiaOptions } from './nvidia/devices.fixture.ts'
import { verifyNvidia } from './nvidia/verify.ts'
import { sevSnpDefaults } from './sev-snp/index.ts'
import { honest } from './sev-snp/mutation.fixture.ts'
import { verifySevSnp } from './sev-snp/verify.ts'
import type { TeeVerdict } from './verdict.ts'

interface Sample {
  readonly verify: (evidence: never, options: never) => Promise<TeeVerdict<unknown>>
  readonly evidence: Uint8Array
  readonly options: { readonly root?: unknown }
  /** DER. */
  readonly root: Uint8Array
}

const snp = honest('Milan', 'vcek')
const gpu = nvidiaOptions()
const samples: Readonly<Record<string, Sample>> = {
  verifyIntel: {
    verify: verifyIntel,
    evidence: makeQuote(),
    options: { ...intelOptions(), collateral: makeCollateral() } as Sample['options'],
    root: intelCertificate('root'),
  },
  verifyNitro: { verify: verifyNitro, evidence: makeEvidence(), options: nitroOptions(), root: ourRoot() },
  verifySevSnp: {
    verify: verifySevSnp,
    evidence: snp.report,
    options: {
      appraisal: { ...sevSnpDefaults, measurements: 'any', minimumTcb: 'any' },
      relyingParty: { reportData: 'any', platforms: 'any' },
      collateral: snp.collateral,
      now: snp.now,
    } as Sample['options'],
    root: snp.root ?? new Uint8Array(),
  },
  verifyNvidia: { verify: verifyNvidia, evidence: honestList(), options: gpu, root: gpu.root as Uint8Array },
}

describe.each(Object.entries(samples))('%s', (_, { verify, evidence, options, root }) => {
  const judge = (change: object, bytes: unknown = evidence) =>
    verify(bytes as never, { ...options, ...change } as never)
  const base64 = Buffer.from(root).toString('base64')
  const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`

  test.each<readonly [string, unknown]>([
    ['DER', root],
    ['PEM', pem],
    ['the bytes of PEM', new TextEncoder().encode(`\n${pem}`)],
    ['base64', base64],
  ])('takes a root as %s', async (_, given) => {
    expect(await judge({ root: given })).toMatchObject({ status: 'accepted' })
  })

  test.each<readonly [string, object, readonly [field: string, expected: RegExp, got: RegExp]]>([
    ['a time in milliseconds', { now: 1_750_000_000_000 }, ['now', /Unix seconds as a bigint/, /^1750000000000$/]],
    ['no time', { now: undefined }, ['now', /Unix seconds as a bigint/, /^nothing$/]],
    ['a time before 1970', { now: -1n }, ['now', /Unix seconds as a bigint/, /^-1n$/]],
    ['a backend that is a name', { backend: 'noble' }, ['backend', /verify/, /^"noble"$/]],
    ['a root that is a path', { root: './root.pem' }, ['root', /one certificate, DER or PEM/, /^".\/root.pem" \(/]],
    ['two roots', { root: `${pem}${pem}` }, ['root', /one certificate/, /at most 1 certificates, got more/]],
    ['no root in a PEM', { root: '-----' }, ['root', /one certificate/, /^"-----" \(/]],
    ['a root that is a number', { root: 5 }, ['root', /one certificate/, /^5$/]],
    ['no policy', { appraisal: undefined }, ['appraisal', /^an object$/, /^nothing$/]],
    ['a policy in text', { relyingParty: '{}' }, ['relyingParty', /^an object$/, /^"\{\}"$/]],
  ])('%s is the caller’s fault', async (_, change, [field, expected, got]) => {
    await expect(judge(change)).rejects.toMatchObject({
      code: 'VS_TEE_INVALID_OPTION',
      details: { field, expected: expect.stringMatching(expected), got: expect.stringMatching(got) },
    })
  })

  test('so is evidence that is no bytes, and no options at all', async () => {
    await expect(judge({}, 'ff00')).rejects.toMatchObject({
      details: { field: 'evidence', expected: 'bytes', got: '"ff00"' },
    })
    await expect(verify(evidence as never, undefined as never)).rejects.toMatchObject({
      code: 'VS_TEE_INVALID_OPTION',
      details: { field: 'options', got: 'nothing' },
    })
  })
})
