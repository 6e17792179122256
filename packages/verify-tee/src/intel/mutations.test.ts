import fc from 'fast-check'
import { nobleBackend, nodeBackend, webBackend } from '../pki/index.ts'
import { type IntelCollateral, verifyIntel } from './index.ts'
import {
  foreignCollateral,
  mutate,
  mutateCollateral,
  mutation,
  saysTheSame,
  wholeCollateral,
} from './mutations.fixture.ts'
import { keyOf, makeCollateral, makeQuote, NAMES, ourOptions } from './platform.fixture.ts'

const quote = makeQuote()
const collateral = wholeCollateral()
const signedBytes = 48 + 584

const judge = (evidence: Uint8Array, given: IntelCollateral = collateral) =>
  verifyIntel(evidence, { ...ourOptions(), collateral: given })

beforeAll(async () => expect((await judge(quote)).status).toBe('accepted'))

test('any bit of what was signed, turned', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * signedBytes - 1), async (bit) => {
      const turned = quote.with(bit >> 3, (quote[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
      expect((await judge(turned)).status).toBe('rejected')
    }),
    { numRuns: 200 },
  )
})

test('any change of a quote is refused, and is no fault of ours', async () => {
  const other = makeQuote({ kind: 'tdx-v5-1.5' })
  await fc.assert(
    fc.asyncProperty(mutation, async (m) => {
      const changed = mutate(quote, other, m)
      fc.pre(!Buffer.from(changed).equals(quote))
      const verdict = await judge(changed)
      expect(verdict.status).toBe('rejected')
      expect(verdict).not.toMatchObject({ code: 'VS_TEE_INTERNAL' })
    }),
    { numRuns: 300 },
  )
})

test('any change of collateral is refused, and is no fault of ours', async () => {
  const other = foreignCollateral()
  await fc.assert(
    fc.asyncProperty(mutation, async (m) => {
      const changed = mutateCollateral(collateral, other, m)
      fc.pre(!saysTheSame(changed, collateral))
      const verdict = await judge(quote, changed)
      expect(verdict.status).toBe('rejected')
      expect(verdict).not.toMatchObject({ code: 'VS_TEE_INTERNAL' })
    }),
    { numRuns: 300 },
  )
})

test('every arithmetic comes to the same verdict', async () => {
  const [node, web] = [nodeBackend(), webBackend()]
  if (node === undefined || web === undefined) throw new Error('no node:crypto or Web Cryptography here')
  await fc.assert(
    fc.asyncProperty(fc.option(mutation), async (m) => {
      const changed = m === null ? quote : mutate(quote, quote, m)
      const verdicts = await Promise.all(
        [nobleBackend, node, web].map((backend) => verifyIntel(changed, { ...ourOptions(), collateral, backend })),
      )
      expect(verdicts[1]).toEqual(verdicts[0])
      expect(verdicts[2]).toEqual(verdicts[0])
    }),
    { numRuns: 40 },
  )
})

// `slice` of a Buffer is a view.
test.each([
  ['bytes', quote.slice()],
  ["Node's bytes", Buffer.from(quote)],
])('%s are judged as they came, whatever happens to them meanwhile', async (_, bytes) => {
  const judging = judge(bytes)
  bytes.fill(0)
  expect(await judging).toMatchObject({ status: 'accepted', vendor: 'intel-tdx' })
})

test('a forgery that turns into a quote while it is judged is refused', async () => {
  const bytes = Buffer.from(quote)
  bytes.set(Buffer.from('ff'.repeat(48), 'hex'), 48 + 136)
  const judging = judge(bytes)
  bytes.set(quote)
  expect(await judging).toMatchObject({ status: 'rejected', check: 'quote-signature' })
})

test('a chain of mixed line ends is refused, whether or not its issuers were read before', async () => {
  const mixed = (text: string): string =>
    text
      .replaceAll('\n', '\r\n')
      .split(/(?=-----BEGIN)/)
      .map((block, i) => (i === 0 ? block : block.replace(/(?<!-)\r\n(?!-)/g, '\n')))
      .join('')
  const strange = makeQuote({ chainText: mixed })
  const refused = { status: 'rejected', check: 'form', detail: expect.stringContaining('lines of 64 or 76 characters') }
  expect(await judge(strange)).toMatchObject(refused)
  expect((await judge(quote)).status).toBe('accepted')
  expect(await judge(strange)).toMatchObject(refused)
})

test('what was found wrong once is wrong again', async () => {
  const stranger = keyOf('stranger')
  for (const parts of [
    { tcbSigner: stranger },
    { qeSigner: stranger },
    { pckCrl: { issuer: { subject: NAMES.platform, key: stranger } } },
    { rootCrl: { issuer: { subject: NAMES.root, key: stranger } } },
  ]) {
    const wrong = makeCollateral(parts)
    const first = await judge(quote, wrong)
    expect(first.status).toBe('rejected')
    expect(await judge(quote, wrong)).toEqual(first)
  }
})

test('what was found right once is asked anew where anything differs', async () => {
  expect((await judge(quote)).status).toBe('accepted')
  const { now } = ourOptions()
  const old = await verifyIntel(quote, { ...ourOptions(), collateral, now: now + 86_401n })
  expect(old).toMatchObject({ status: 'rejected', check: 'tcb-info-date' })
  const revoked = makeCollateral({ pckCrl: { revoked: [{ serial: 0x99n }] } })
  expect(await judge(quote, { ...collateral, pck_crl: revoked.pck_crl })).toMatchObject({ code: 'VS_TEE_REVOKED' })
  const swapped = { ...collateral, tcb_info_signature: collateral.qe_identity_signature }
  expect(await judge(quote, swapped)).toMatchObject({ check: 'tcb-info-signature' })
})
