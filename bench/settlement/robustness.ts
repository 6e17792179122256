import { killAndRestart } from '../../packages/settlement-evm/src/deep/kill.ts'
import { combinations, playAll } from '../../packages/settlement-evm/src/deep/matrix.ts'
import { atLeast, atMost, type Row, reported, unmeasured } from '../../scripts/measure.ts'
import { forgeCount } from '../../tests/contracts/forge.ts'
import { recordedMoves } from '../../tests/contracts/moves.ts'
import { compileBenchContract } from './compile.ts'

const SETTLEMENTS = 1000
const KILLS = 100
const STAGES = 3
/** The test contracts of tests/contracts/Attacks.t.sol. */
const ATTACKS = ['AttacksTest', 'ReplayedEvidenceTest']
const MOVES = 1_000_000

/** A new one each time; it is in the figures, to try the same again. */
const newSeed = (): number => Date.now() % 1_000_000

export async function* robustness(progress: (text: string) => void): AsyncIterable<Row> {
  progress('tests of the contracts, beside what follows (forge)')
  const tested = forgeCount()
  tested.catch(() => undefined)
  yield* orFailed('faults', faults(progress), progress)
  yield* orFailed('kill -9', kills(progress), progress)
  yield* orFailed('attacks on the contracts', attacks(tested, progress), progress)
}

/** What ends in an error has missed its figure; the others are measured all the same. */
async function* orFailed(name: string, rows: AsyncIterable<Row>, progress: (text: string) => void): AsyncIterable<Row> {
  try {
    yield* rows
  } catch (error) {
    progress(error instanceof Error ? error.message : String(error))
    yield { name, value: 'failed', unit: '', bound: 'to the end', ok: false }
  }
}

async function* kills(progress: (text: string) => void): AsyncIterable<Row> {
  const seed = newSeed()
  progress(`killing, seed ${seed}`)
  const report = await killAndRestart({
    settlements: SETTLEMENTS,
    kills: KILLS,
    seed,
    verifier: {
      bytecode: compileBenchContract('SignatureVerifier'),
      params: (claimant) => `0x${'00'.repeat(12)}${claimant.slice(2)}`,
    },
    progress,
  })
  yield atLeast(`kill -9 (seed ${seed}): kills`, report.kills, 'kills', KILLS)
  yield atLeast('kill -9: settled exactly once', report.settledOnce, `of ${SETTLEMENTS}`, SETTLEMENTS)
  const astray = report.creditWei - report.owedWei + report.heldWei
  yield atMost('kill -9: credited beside what is owed', Number(astray < 0n ? -astray : astray), 'wei', 0)
  yield atMost('kill -9: steps sent with two nonces', report.resentWithAnotherNonce, `of ${report.needed}`, 0)
  const extra = report.nonces - report.needed - report.fills
  yield atMost('kill -9: transactions that were not needed', report.extras.length + Math.abs(extra), '', 0)
  yield reported('kill -9: transactions that only filled a nonce', report.fills, '')
}

async function* faults(progress: (text: string) => void): AsyncIterable<Row> {
  const seed = newSeed()
  const list = combinations()
  progress(`${list.length} faults, seed ${seed}`)
  const report = await playAll(list, seed, { stages: STAGES, progress })
  const struck = report.ran - report.idle.length
  yield reported(`faults (seed ${seed}): lives that one was done to`, struck, `of ${report.ran}`)
  yield atMost('faults: lives that ended wrong, or did anything twice', report.wrong.length, `of ${report.ran}`, 0)
}

async function* attacks(run: ReturnType<typeof forgeCount>, progress: (text: string) => void): AsyncIterable<Row> {
  progress('waiting for the tests of the contracts')
  const { tested, output } = await run
  const { passed, failed, skipped, passedOf, calls } = tested
  if (failed + skipped > 0) progress(output)
  const all = passed + failed + skipped
  yield atMost('tests of the contracts that failed or were skipped', failed + skipped, `of ${all}`, 0)
  yield reported(
    'attacks that failed as they should, a test each',
    ATTACKS.reduce((sum, name) => sum + (passedOf.get(name) ?? 0), 0),
    'tests',
  )
  yield reported('random moves against the contract, in this run', calls, 'calls')
  const recorded = recordedMoves()
  const name = 'random moves against this contract, every invariant held (long run, as its test wrote it down)'
  if (recorded === undefined) {
    progress('the contracts have changed since the long run: VERISTACK_DEEP=1 npx jest tests/contracts')
    yield unmeasured(name, 'calls', MOVES)
  } else {
    yield atLeast(name, recorded.calls - recorded.reverts, 'calls', MOVES)
  }
}
