import fc from 'fast-check'
import { flipped, Stopwatch } from '../../mutations.fixture.ts'
import { defaultBackend } from '../../pki/index.ts'
import { inspectNvidia, type NvidiaOptions, verifyNvidia } from '../index.ts'
import {
  collaterals,
  type Honest,
  honest,
  mutations,
  requireCollateralRefused,
  requireRefused,
  withBackend,
} from '../mutation.fixture.ts'
import { remembering } from '../remember.ts'
import { present, read, readText } from '../vectors.fixture.ts'

jest.setTimeout(3_600_000)

const RUNS = 25_000
const COLLATERAL_RUNS = 10_000
const watch = new Stopwatch()
afterAll(() => void process.stderr.write(`NVIDIA: ${watch}\n`))

const lenient = (evidence: Uint8Array): NvidiaOptions => ({
  appraisal: {
    hardware: 'any',
    drivers: 'any',
    vbios: 'any',
    reports: { measurements: 'any', revocation: 'optional' },
  },
  relyingParty: { nonce: inspectNvidia(evidence).nonce, devices: 'any', platforms: 'any' },
  now: 1_790_000_000n,
})

function real(): readonly Honest[] {
  if (!present) {
    console.warn('real evidence: skipped, ../shared/vectors/tee/nvidia is not beside the project')
    return []
  }
  const hex = (file: string) => new Uint8Array(Buffer.from(readText(file).trim(), 'hex'))
  const report = hex('nv-hopperAttestationReport.txt')
  const certificateChain = readText('nv-hopperCertChain.txt')
  const list = read('nv-switch_evidence_ls10.json')
  return [
    {
      name: 'a real report of a GPU',
      evidence: report,
      other: hex('nv-hopperAttestationReportExpired.txt'),
      options: { ...lenient(report), collateral: { certificateChain } },
    },
    { name: 'a real list of a switch', evidence: list, other: read('nv-hopper_evidence.json'), options: lenient(list) },
  ]
}

/** One for all: what was found right once, such as the certificates, is not redone for each of so many. */
const backend = remembering(defaultBackend())
const subjects = [...honest, ...real()].map((each) => ({ ...each, options: withBackend(each.options, backend) }))

describe.each(subjects)('$name', (each) => {
  const { evidence, other, options } = each

  test('itself is accepted, and what it is spliced with is not', async () => {
    expect(await verifyNvidia(evidence, options)).toMatchObject({ status: 'accepted' })
    expect(await verifyNvidia(other, options)).toMatchObject({ status: expect.not.stringMatching('accepted') })
  })

  test(`${RUNS} random changes, cuts and splices`, async () => {
    await fc.assert(
      fc.asyncProperty(mutations(evidence, other), (mutated) => watch.time(() => requireRefused(mutated, each))),
      { numRuns: RUNS },
    )
  })
})

/** Reports and tokens: nothing in them is without a meaning. */
const whole = subjects.filter(({ name }) => !/list/.test(name))

test.each(whole)('every bit of $name, flipped', async ({ evidence, options }) => {
  for (let bit = 0; bit < 8 * evidence.length; bit++) {
    const { status } = await verifyNvidia(flipped(evidence, bit), options)
    if (status !== 'rejected') throw new Error(`bit ${bit}: ${status}`)
  }
  process.stderr.write(`${8 * evidence.length} bits flipped\n`)
})

test.each(collaterals)(`$name: ${COLLATERAL_RUNS} mutations`, async (each) => {
  await fc.assert(
    fc.asyncProperty(mutations(each.original, each.other), (mutated) =>
      watch.time(() => requireCollateralRefused(mutated, each)),
    ),
    { numRuns: COLLATERAL_RUNS },
  )
})
