import fc from 'fast-check'
import { Stopwatch } from '../../mutations.fixture.ts'
import { type IntelCollateral, type IntelOptions, verifyIntel } from '../index.ts'
import {
  foreignCollateral,
  mutate,
  mutateCollateral,
  mutation,
  saysTheSame,
  wholeCollateral,
} from '../mutations.fixture.ts'
import { makeCollateral, makeQuote, ourOptions, type QuoteParts } from '../platform.fixture.ts'
import { ANYONE, collateralOf, LENIENT, present, quoteOf, seconds } from '../vectors.fixture.ts'

const BATCH = 5_000
const watch = new Stopwatch()

type Options = Omit<IntelOptions, 'collateral'>

const judge = (evidence: Uint8Array, collateral: IntelCollateral, options: Options = ourOptions()) =>
  watch.time(() => verifyIntel(evidence, { ...options, collateral }))

const refused = (verdict: Awaited<ReturnType<typeof judge>>): boolean =>
  verdict.status === 'rejected' && verdict.code !== 'VS_TEE_INTERNAL'

afterAll(() => void process.stderr.write(`Intel: ${watch}\n`))

test.each<[NonNullable<QuoteParts['kind']>, number, 'SGX' | 'TDX']>([
  ['sgx-v3', 48 + 384, 'SGX'],
  ['tdx-v4', 48 + 584, 'TDX'],
  ['tdx-v5-1.5', 48 + 6 + 648, 'TDX'],
])(
  '%s: every bit of what was signed',
  async (kind, bytes, tee) => {
    const quote = makeQuote({ kind })
    const given = makeCollateral({ tee })
    expect((await judge(quote, given)).status).toBe('accepted')
    for (let bit = 0; bit < 8 * bytes; bit++) {
      const turned = quote.with(bit >> 3, (quote[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
      if (!refused(await judge(turned, given))) throw new Error(`bit ${bit} of ${kind}`)
    }
  },
  600_000,
)

interface Subject {
  readonly name: string
  readonly batches: number
  readonly quote: Uint8Array
  readonly collateral: IntelCollateral
  readonly otherQuote: Uint8Array
  readonly otherCollateral: IntelCollateral
  readonly options: Options
}
const subjects: Subject[] = [
  {
    name: 'of our own',
    batches: 10,
    quote: makeQuote(),
    collateral: wholeCollateral(),
    otherQuote: makeQuote({ kind: 'tdx-v5-1.5' }),
    otherCollateral: foreignCollateral(),
    options: ourOptions(),
  },
]
if (present)
  subjects.push({
    name: 'captured',
    batches: 3,
    quote: quoteOf('phala-sgx_quote'),
    collateral: collateralOf('phala-sgx_quote_collateral.json'),
    otherQuote: quoteOf('phala-tdx_quote'),
    // Its revocation list is of years ago: what is replaced as a whole is no list of today.
    otherCollateral: {
      ...collateralOf('phala-tdx_quote_collateral.json'),
      pck_crl: collateralOf('neg-crl-expired_collateral.json').pck_crl,
      root_ca_crl: '00',
    },
    options: {
      appraisal: LENIENT,
      relyingParty: ANYONE,
      now: seconds('2025-06-19T12:56:11Z'),
    },
  })

/** `change` answers `undefined` where nothing was changed. */
async function tryAll(change: (m: Parameters<typeof mutate>[2]) => ReturnType<typeof judge> | undefined) {
  await fc.assert(
    fc.asyncProperty(mutation, async (m) => {
      const verdict = await change(m)
      if (verdict !== undefined && !refused(verdict)) throw new Error(JSON.stringify(verdict))
    }),
    { numRuns: BATCH },
  )
}

describe.each(subjects)('evidence $name', ({ quote, collateral, otherQuote, otherCollateral, options, batches }) => {
  // What follows a quote, and zeros only, is the policy's question, not the signature's.
  const strict = { ...options, appraisal: { ...options.appraisal, trailingBytes: 'refuse' } } as const
  const numbers = Array.from({ length: batches }, (_, i) => i + 1)

  test('is accepted as it is', async () => {
    expect((await judge(quote, collateral, strict)).status).toBe('accepted')
  })

  test.each(numbers)(
    'changes of a quote, batch %d',
    async () => {
      await tryAll((m) => {
        const changed = mutate(quote, otherQuote, m)
        return Buffer.from(changed).equals(quote) ? undefined : judge(changed, collateral, strict)
      })
    },
    600_000,
  )

  test.each(numbers)(
    'changes of collateral, batch %d',
    async () => {
      await tryAll((m) => {
        const changed = mutateCollateral(collateral, otherCollateral, m)
        return saysTheSame(changed, collateral) ? undefined : judge(quote, changed, strict)
      })
    },
    600_000,
  )
})
