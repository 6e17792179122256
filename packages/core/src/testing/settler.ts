import { type Address, type Hex, type RequestId, toHex } from '../claim/index.ts'
import type { SettleJob, Settler } from '../plugin/roles.ts'
import type { Settlement } from '../receipt/settlement.ts'
import { quietCall } from './prover.ts'
import { ensure, refuses, type SuiteBase, same, suite, throws } from './runner.ts'

/** A settler and a look at its ledger. */
export interface SettlerUnderTest {
  readonly settler: Settler
  /** What was credited to this account altogether, in wei. */
  credited(account: Address): Promise<bigint>
  /** What was taken from the payer altogether, in wei. */
  taken(): Promise<bigint>
}

export interface SettlerFixture {
  /** Well-formed and proved; its price is not zero. */
  readonly job: SettleJob
  /** The same request with evidence that does not prove the claim. */
  readonly forged: SettleJob
}

export interface SettlerSuiteOptions extends SuiteBase<SettlerUnderTest, 'evidence'> {
  /** Capabilities: `evidence` (evidence is judged when it is submitted). */
  readonly fixture: (settler: Settler) => SettlerFixture | Promise<SettlerFixture>
}

/** What every settler must do: take the price once, pay it once, to the claimant, for proved claims only. */
export function settlerSuite(options: SettlerSuiteOptions): void {
  suite('settler', options, ({ test, needs }) => {
    const prepare = async () => {
      const made = await options.make()
      const f = await options.fixture(made.settler)
      const { priceWei } = f.job.request
      ensure(priceWei > 0n, 'the fixture pays nothing')
      return { ...made, f, priceWei, claimant: f.job.receipt.signed.claim.claimant }
    }

    test('names its network, contract and payer', async () => {
      const { settler, f } = await prepare()
      same(settler.network, `eip155:${settler.chainId}`, 'the network')
      const { chainId, contract, payer } = f.job.request
      same([chainId, contract, payer], [settler.chainId, settler.contract, settler.payer], 'the place of the request')
    })

    test('gives equal terms equal digests, and other terms others', async () => {
      const { settler } = await prepare()
      same(settler.terms({}), settler.terms({}), 'the terms')
      same(settler.terms({}).digest.length, 66, 'the length of the digest')
    })

    test('takes the price once, however often it is asked', async () => {
      const { settler, f, priceWei, taken } = await prepare()
      const before = await taken()
      const [first, second] = [await settler.prepare(f.job, quietCall()), await settler.prepare(f.job, quietCall())]
      same((await taken()) - before, priceWei, 'what was taken')
      wellFormed(settler, first)
      same(second.ref, first.ref, 'the transaction')
    })

    test('pays the claimant for a proved claim', async () => {
      const { settler, f, priceWei, claimant, credited } = await prepare()
      const before = await credited(claimant)
      await settler.prepare(f.job, quietCall())
      same((await credited(claimant)) - before, 0n, 'what is paid before the claim')
      const settlement = await settler.settle(f.job, quietCall())
      wellFormed(settler, settlement)
      ensure(['accepted', 'delivered', 'final'].includes(settlement.state), `the state is ${settlement.state}`)
      same((await credited(claimant)) - before, priceWei, 'what is paid')
      same((await settler.status(f.job.request.id))?.state, settlement.state, 'the status')
    })

    test('pays once, however often it is asked', async () => {
      const { settler, f, priceWei, claimant, credited } = await prepare()
      const before = await credited(claimant)
      await settler.prepare(f.job, quietCall())
      const first = await settler.settle(f.job, quietCall())
      const again = await settler.settle(f.job, quietCall())
      same(again.ref, first.ref, 'the transaction')
      await Promise.all([settler.settle(f.job, quietCall()), settler.settle(f.job, quietCall())])
      same((await credited(claimant)) - before, priceWei, 'what is paid in four calls')
    })

    test('pays nothing for what was not escrowed', async () => {
      const { settler, f, claimant, credited } = await prepare()
      const before = await credited(claimant)
      await refuses(() => settler.settle(f.job, quietCall()), 'a claim without escrow')
      same((await credited(claimant)) - before, 0n, 'what is paid')
    })

    test('pays nothing for a claim that its claimant did not sign', async () => {
      const { settler, f, claimant, credited } = await prepare()
      const before = await credited(claimant)
      await settler.prepare(f.job, quietCall())
      const { receipt } = f.job
      const claim = { ...receipt.signed.claim, claimant: otherAddress(claimant) }
      const stolen = { ...f.job, receipt: { ...receipt, signed: { ...receipt.signed, claim } } }
      await refuses(() => settler.settle(stolen, quietCall()), "somebody else's claim")
      const unproved = { ...f.job, receipt: { ...receipt, evidence: [] } }
      await refuses(() => settler.settle(unproved, quietCall()), 'a claim without evidence')
      same((await credited(claimant)) - before, 0n, 'what is paid to the claimant')
      same(await credited(claim.claimant), 0n, 'what is paid to the thief')
    })

    needs(
      'evidence',
      'pays nothing for evidence that does not prove the claim, and settles the honest one after it',
      async () => {
        const { settler, f, priceWei, claimant, credited } = await prepare()
        const before = await credited(claimant)
        await settler.prepare(f.forged, quietCall())
        await refuses(() => settler.settle(f.forged, quietCall()), 'forged evidence')
        same((await credited(claimant)) - before, 0n, 'what is paid')
        await settler.settle(f.job, quietCall())
        same((await credited(claimant)) - before, priceWei, 'what is paid afterwards')
      },
    )

    test('knows nothing of a request that was never made', async () => {
      const { settler } = await prepare()
      same(await settler.status(toHex(new Uint8Array(32).fill(0xee)) as Hex as RequestId), undefined, 'the status')
    })

    test('shows a settlement to who watches, and stops when told', async () => {
      const { settler, f } = await prepare()
      await settler.prepare(f.job, quietCall())
      await settler.settle(f.job, quietCall())
      const stop = new AbortController()
      let seen: Settlement | undefined
      for await (const settlement of settler.watch(f.job.request.id, stop.signal)) {
        seen = settlement
        stop.abort()
      }
      ensure(seen !== undefined, 'nothing was seen')
    })

    test('stops for an aborted signal before it takes or pays anything', async () => {
      const { settler, f, taken } = await prepare()
      const before = await taken()
      await throws(() => settler.prepare(f.job, quietCall(AbortSignal.abort())), 'an aborted escrow')
      same((await taken()) - before, 0n, 'what was taken')
    })
  })
}

function wellFormed(settler: Settler, s: Settlement): void {
  same(s.network, settler.network, 'the network of the settlement')
  ensure(/^0x[0-9a-f]{64}$/.test(s.ref), `'${s.ref}' is no transaction hash`)
}

const otherAddress = (a: Address): Address => (a.endsWith('0') ? `${a.slice(0, -1)}1` : `${a.slice(0, -1)}0`) as Address
