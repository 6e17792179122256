/*
 * Against cose-js, another reading of RFC 9052 over another CBOR library. What it accepts and we refuse is listed, with the
 * reason; nothing may be the other way round.
 */
import { concatBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { flipped, mutations } from '../mutations.fixture.ts'
import { parseCertificate } from '../pki/index.ts'
import {
  cbor,
  certificate,
  type EvidenceChange,
  enclaveKey,
  makeEvidence,
  ourOptions,
  raw,
  type Value,
} from './enclave.fixture.ts'
import { inspectNitro, verifyNitro } from './index.ts'
import { parseCose, parseDocument } from './parse.ts'
import { documents, FOLDER, present, read } from './vectors.fixture.ts'

/** It has no types. */
const { sign } = jest.requireActual<{
  readonly sign: {
    readonly Sign1Tag: number
    verify(
      evidence: Buffer,
      verifier: { readonly key: { readonly x: Buffer; readonly y: Buffer } },
      options: { readonly defaultType: number },
    ): Promise<Buffer>
  }
}>('cose-js')

async function theirs(evidence: Uint8Array, leaf: Uint8Array): Promise<boolean> {
  const { key } = parseCertificate(leaf, 'leaf')
  if (key.type !== 'ec') return false
  const [x, y] = [key.point.slice(1, 49), key.point.slice(49)].map((part) => Buffer.from(part))
  if (x === undefined || y === undefined) return false
  try {
    await sign.verify(Buffer.from(evidence), { key: { x, y } }, { defaultType: sign.Sign1Tag })
    return true
  } catch {
    return false
  }
}

const leafOf = () => certificate('leaf')

test('both accept honest evidence, with and without the tag', async () => {
  for (const change of [{}, { envelope: (p: Value[]) => raw(0xd2, ...cbor(p)) }]) {
    const evidence = makeEvidence(change)
    expect(await theirs(evidence, leafOf())).toBe(true)
    expect(await verifyNitro(evidence, ourOptions())).toMatchObject({ status: 'accepted' })
  }
})

if (!present) test('real documents', () => console.warn(`skipped: ${FOLDER} is absent`))

test.each(documents.filter(({ observed }) => observed?.err === undefined))(
  'both accept the signature of $file',
  async ({ file }) => {
    const evidence = read(file)
    expect(inspectNitro(evidence).digest).toBe('SHA384')
    expect(await theirs(evidence, parseDocument(parseCose(evidence).payload).certificate)).toBe(true)
  },
)

test('what they refuse is refused here', async () => {
  const evidence = makeEvidence()
  const some = fc.oneof(
    mutations(evidence, evidence),
    fc.nat(8 * evidence.length - 1).map((bit) => flipped(evidence, bit)),
  )
  await fc.assert(
    fc.asyncProperty(some, async (mutated) => {
      const { status } = await verifyNitro(mutated, ourOptions())
      if (status === 'accepted') expect(await theirs(mutated, leafOf())).toBe(true)
    }),
    { numRuns: 60 },
  )
})

/** All of them carry a right signature over the document. */
test.each<readonly [why: string, EvidenceChange]>([
  [
    'a length has one spelling here',
    { envelope: ([h = null, u = null, p = null, s = null]) => [h, u, p, raw(0x59, 0, 96, ...cbor(s).subarray(2))] },
  ],
  ['arrays have a count here', { envelope: (p) => raw(0x9f, ...p.flatMap((v) => [...cbor(v)]), 0xff) }],
  ['the unprotected header is empty here', { unprotected: new Map<Value, Value>([[4, Uint8Array.of(1)]]) }],
  [
    'other members of the header mean something to somebody',
    {
      header: cbor(
        new Map([
          [1, -35],
          [4, 1],
        ]),
      ),
    },
  ],
])('they accept what is refused here: %s', async (why, change) => {
  const evidence = makeEvidence(change)
  expect(await verifyNitro(evidence, ourOptions())).toMatchObject({ status: 'rejected' })
  expect([why, await theirs(evidence, leafOf())]).toEqual([why, true])
})

test('they have no rule for what a document is', async () => {
  const payload = concatBytes(cbor('anything'))
  expect(await theirs(makeEvidence({ payload: () => payload, key: enclaveKey() }), leafOf())).toBe(true)
})
