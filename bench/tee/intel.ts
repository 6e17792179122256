import { nobleBackend, nodeBackend, type SignatureBackend } from '@veristack/verify-tee'
import { verifyIntel } from '@veristack/verify-tee/intel'
import { phalaVerifier } from '../../packages/verify-tee/src/intel/phala.fixture.ts'
import { certificate, makeCollateral, makeQuote, NOW } from '../../packages/verify-tee/src/intel/platform.fixture.ts'
import {
  ANYONE,
  collateralOf,
  LENIENT,
  present,
  quoteOf,
  seconds,
} from '../../packages/verify-tee/src/intel/vectors.fixture.ts'
import { atMost, median, type Row, reported, unmeasured } from '../../scripts/measure.ts'

const RUNS = 31
const WARM_UP = 6

/**
 * A whole verdict on a TDX quote with full collateral, beside the published JavaScript verifier, which uses node:crypto. The
 * candidates take turns, so that what slows the machine slows all of them.
 */
export async function* intel(progress: (text: string) => void): AsyncIterable<Row> {
  progress('Intel TDX')
  const { quote, collateral, now, root, name } = subject()
  const judge = async (backend: SignatureBackend): Promise<void> => {
    const own = root === undefined ? {} : { root }
    const options = { collateral, appraisal: LENIENT, relyingParty: ANYONE, now, backend, ...own }
    const verdict = await verifyIntel(quote, options)
    if (verdict.status !== 'accepted') throw new Error(`${name} is ${verdict.status}`)
  }
  const theirs = phalaVerifier(root)
  const candidates: Record<string, () => Promise<void> | void> = {
    phala: () => {
      theirs(quote, collateral, now)
    },
    // What was found right is remembered per backend: a new one has nothing to remember, and every signature is verified
    // again. What stays is what noble and OpenSSL made of the keys of Intel's issuers, which are the same for everybody.
    noble: () => judge({ ...nobleBackend }),
    again: () => judge(nobleBackend),
    ...(nodeBackend() === undefined ? {} : { node: () => judge(nodeBackend() ?? nobleBackend) }),
  }
  const took: Record<string, number[]> = {}
  for (let run = -WARM_UP; run < RUNS; run++)
    for (const [candidate, judged] of Object.entries(candidates)) {
      const begin = performance.now()
      await judged()
      const list = took[candidate] ?? []
      took[candidate] = list
      if (run >= 0) list.push(performance.now() - begin)
    }
  const of = (candidate: string): number => median(took[candidate] ?? [])
  const phala = of('phala')
  const share = (what: string, candidate: string, bound: number): Row =>
    took[candidate] === undefined
      ? unmeasured(what, '× @phala/dcap-qvl', bound)
      : atMost(what, of(candidate) / phala, '× @phala/dcap-qvl', bound)
  yield reported(`TDX by @phala/dcap-qvl, ${name}`, phala, 'ms')
  for (const candidate of ['node', 'noble', 'again'])
    if (took[candidate] !== undefined)
      yield reported(
        `TDX on ${candidate === 'again' ? 'noble, collateral seen before' : candidate}`,
        of(candidate),
        'ms',
      )
  yield share('TDX on node:crypto', 'node', 0.25)
  yield share('TDX on noble', 'noble', 1.5)
  yield share('TDX on noble, collateral seen before', 'again', 0.6)
}

function subject() {
  if (!present)
    return {
      quote: makeQuote(),
      collateral: makeCollateral(),
      now: NOW,
      root: certificate('root'),
      name: 'a quote of our own',
    }
  return {
    quote: quoteOf('phala-tdx_quote'),
    collateral: collateralOf('phala-tdx_quote_collateral.json'),
    now: seconds('2025-06-19T12:32:27Z'),
    root: undefined,
    name: 'a real quote',
  }
}
