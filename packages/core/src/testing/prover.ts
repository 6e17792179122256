import { claimDigest, type Tensor, toHex } from '../claim/index.ts'
import type { Call, Execution, Need, ProveJob, Prover } from '../plugin/roles.ts'
import type { Verifier, VerifyContext } from '../receipt/verdict.ts'
import { ensure, refuses, type SuiteBase, same, suite, throws } from './runner.ts'

export interface ProverFixture {
  readonly job: ProveJob
  /** Another request for the same program. */
  readonly other: ProveJob
  readonly need: Need
  readonly verifier: Verifier
  readonly context: VerifyContext
  /** A well-signed claim whose output commitments hold two different outputs. */
  readonly twoOutputs?: ProveJob
}

export interface ProverSuiteOptions extends SuiteBase<Prover, 'witness' | 'twoOutputs' | 'setup'> {
  /**
   * Capabilities: `witness` (it can tell a wrong execution), `twoOutputs` (the fixture has such a claim), `setup`
   * (a program is set up before it is proved).
   */
  readonly fixture: () => ProverFixture | Promise<ProverFixture>
}

/** A call that nobody interrupts. */
export const quietCall = (signal: AbortSignal = new AbortController().signal): Call => ({
  signal,
  idempotencyKey: 'conformance',
  progress: () => undefined,
})

/** What every prover must do: prove what is so, and nothing else. */
export function proverSuite(options: ProverSuiteOptions): void {
  suite('prover', options, ({ test, needs }) => {
    const prepare = async () => ({ prover: await options.make(), f: await options.fixture() })
    const judge = async (f: ProverFixture, job: ProveJob, by: ProveJob, prover: Prover) =>
      f.verifier.verify(
        { signed: job.signed, outputs: job.executions[0].outputs, salts: job.salts },
        await prover.prove(by, quietCall()),
        f.context,
      )

    test('names what its verifier names', async () => {
      const { prover, f } = await prepare()
      same([prover.kind, prover.tier], [f.verifier.kind, f.verifier.tier], 'kind and tier')
      ensure(prover.semantics.length > 0, 'no semantics are named')
      ensure(Number.isInteger(prover.executions) && prover.executions >= 1, 'executions is not a count')
    })

    test('quotes what it can prove, and says why it can not prove the rest', async () => {
      const { prover, f } = await prepare()
      const quote = await prover.quote(f.need)
      ensure(quote.ok, 'the fixture can not be quoted')
      ensure(
        [quote.executeMs, quote.proveMs, quote.finalMs].every((ms) => ms >= 0 && Number.isFinite(ms)),
        'a duration is no duration',
      )
      ensure(
        [quote.gas, quote.priceWei, quote.bondWei].every((n) => n >= 0n),
        'an amount is negative',
      )
      const unknown = await prover.quote({
        ...f.need,
        program: { ...f.need.program, semantics: 'conformance/unknown' },
      })
      ensure(!unknown.ok && unknown.reasons.length > 0, 'unknown semantics are quoted')
    })

    test('makes evidence of this claim that its verifier accepts', async () => {
      const { prover, f } = await prepare()
      const evidence = await prover.prove(f.job, quietCall())
      same(evidence.kind, prover.kind, 'the kind')
      same(evidence.claim, claimDigest(f.job.signed.claim), 'the claim digest')
      const { status } = await judge(f, f.job, f.job, prover)
      ensure(status === 'accepted' || status === 'pending', `its own verifier says ${status}`)
    })

    test('makes evidence that serves no other claim', async () => {
      const { prover, f } = await prepare()
      const { status } = await judge(f, f.other, f.job, prover)
      ensure(status !== 'accepted' && status !== 'pending', `for another claim the verifier says ${status}`)
    })

    needs('witness', 'refuses an execution that is not what the program computes', async () => {
      const { prover, f } = await prepare()
      const executions = [changed(f.job.executions[0]), ...f.job.executions.slice(1)] as const
      await refuses(() => prover.prove({ ...f.job, executions }, quietCall()), 'another output')
    })

    needs('twoOutputs', 'refuses a claim whose commitments hold two different outputs', async () => {
      const { prover, f } = await prepare()
      const { twoOutputs } = f
      ensure(twoOutputs !== undefined, 'the fixture has no such claim')
      await refuses(() => prover.prove(twoOutputs, quietCall()), 'a claim of two outputs')
    })

    test('refuses fewer executions than it needs, or twice the same node', async () => {
      const { prover, f } = await prepare()
      const [first] = f.job.executions
      if (prover.executions === 1) return
      await refuses(() => prover.prove({ ...f.job, executions: [first] }, quietCall()), 'one execution')
      const twice = [first, ...f.job.executions.slice(1).map((e) => ({ ...e, executor: first.executor }))] as const
      await refuses(() => prover.prove({ ...f.job, executions: twice }, quietCall()), 'one node for all')
    })

    test('stops for an aborted signal', async () => {
      const { prover, f } = await prepare()
      await throws(() => prover.prove(f.job, quietCall(AbortSignal.abort())), 'an aborted proof')
    })

    test('gives away no salt', async () => {
      const { prover, f } = await prepare()
      const { payload } = await prover.prove(f.job, quietCall())
      const [hex, plain] = [toHex(payload), new TextDecoder('latin1').decode(payload)]
      for (const [name, salt] of Object.entries(f.job.salts)) {
        const digits = salt.slice(2)
        ensure(!hex.includes(digits) && !plain.toLowerCase().includes(digits), `the evidence holds the salt of ${name}`)
      }
    })

    needs(
      'setup',
      'proves nothing without its artefacts, and makes them for the program that it is given',
      async () => {
        const { prover, f } = await prepare()
        const { artefacts: _, ...job } = f.job
        await refuses(() => prover.prove(job, quietCall()), 'a program that was not set up')
        const artefacts = await prover.setup?.(f.job.program, quietCall())
        same(
          [artefacts?.kind, artefacts?.program],
          [prover.kind, f.job.program.id],
          'kind and program of the artefacts',
        )
      },
    )
  })
}

const changed = (e: Execution): Execution => ({ ...e, outputs: e.outputs.map(flipped) })

const flipped = (t: Tensor): Tensor => ({ ...t, data: t.data.map((b, i) => (i === 0 ? b ^ 1 : b)) })
