import fc from 'fast-check'
import { flipped, mutations, Stopwatch } from '../../mutations.fixture.ts'
import { defaultBackend } from '../../pki/index.ts'
import { makeEvidence, ourOptions } from '../enclave.fixture.ts'
import { inspectNitro, type NitroOptions, verifyNitro } from '../index.ts'
import { exchanged, requireRefused, signedRange } from '../mutation.fixture.ts'
import { documents, FOLDER, present, read } from '../vectors.fixture.ts'

const RUNS = 100_000
interface Subject {
  readonly name: string
  readonly evidence: Uint8Array
  readonly other: Uint8Array
  readonly options: NitroOptions
}

const ours: Subject = {
  name: 'evidence of our own',
  evidence: makeEvidence(),
  other: makeEvidence({ fields: (fields) => void fields.set('nonce', Uint8Array.of(7)) }),
  options: ourOptions(),
}

function real(): Subject[] {
  if (!present) {
    console.warn(`real documents: skipped, ${FOLDER} is absent`)
    return []
  }
  const [first, second] = documents
    .filter(({ expect: word }) => word?.startsWith('verify at') === true)
    .map(({ file }) => read(file))
  if (first === undefined || second === undefined) throw new Error('two documents are needed')
  const now = BigInt(Math.floor(inspectNitro(first).timestamp / 1000))
  const options: NitroOptions = {
    appraisal: { pcrs: 'any' },
    relyingParty: { maxAgeSeconds: 1, platforms: 'any' },
    now,
  }
  return [{ name: 'a real document', evidence: first, other: second, options }]
}

describe.each([ours, ...real()])('$name', ({ name, evidence, other, options: given }) => {
  const options = { ...given, backend: defaultBackend() }

  test('itself is accepted', async () => {
    expect(await verifyNitro(evidence, options)).toMatchObject({ status: 'accepted' })
  })

  test('every bit of the signed part, flipped', async () => {
    const { from, to } = signedRange(evidence)
    // The protected header's four bytes begin at the third.
    const bits = [...range(8 * 2, 8 * 6), ...range(8 * from, 8 * to)]
    let accepted = 0
    for (const bit of bits)
      if ((await verifyNitro(flipped(evidence, bit), options)).status !== 'rejected') accepted += 1
    expect(accepted).toBe(0)
    process.stderr.write(`Nitro: ${bits.length} bits of ${name} flipped\n`)
  }, 1_800_000)

  test('parts of two documents', async () => {
    for (const mixed of exchanged(evidence, other)) await requireRefused(evidence, mixed, options)
  })

  test(`${RUNS} random changes, cuts and splices`, async () => {
    const watch = new Stopwatch()
    await fc.assert(
      fc.asyncProperty(mutations(evidence, other), (mutated) =>
        watch.time(() => requireRefused(evidence, mutated, options)),
      ),
      { numRuns: RUNS },
    )
    process.stderr.write(`Nitro, ${name}: ${watch}\n`)
    expect(watch.ran).toBe(RUNS)
  }, 1_800_000)
})

function* range(from: number, to: number): Iterable<number> {
  for (let i = from; i < to; i++) yield i
}
