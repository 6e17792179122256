import { type Claim, commitmentsDigest, type Digest, type Hex, type Json, type Tensor } from '../claim/index.ts'
import type { Evidence, Verdict, Verifier, VerifyContext } from '../receipt/verdict.ts'
import { ensure, type SuiteBase, same, suite } from './runner.ts'

export type VerifierSubject = Parameters<Verifier['verify']>[0]

/** Honest evidence with everything that its verification needs. */
export interface VerifierFixture {
  readonly subject: VerifierSubject
  readonly evidence: Evidence
  readonly context: VerifyContext
  /** The same for another request or another output, under the same anchor. */
  readonly other: { readonly subject: VerifierSubject; readonly evidence: Evidence }
  /** Well-formed evidence of this claim by somebody who may not make it: his own key, his own committee. */
  readonly forgeries: readonly Evidence[]
  /** Policies under which the evidence is not good enough. */
  readonly unmet?: readonly Json[]
}

export interface VerifierSuiteOptions extends SuiteBase<Verifier, 'anchors' | 'outputs' | 'everyByte' | 'policies'> {
  /**
   * Capabilities: `anchors` (evidence is judged under an anchor), `outputs` (it has commitment schemes of its own, or
   * opens raw ones), `everyByte` (no byte of the payload is free), `policies` (`unmet` is given).
   */
  readonly fixture: () => VerifierFixture | Promise<VerifierFixture>
}

/** What every verifier must do, mostly: refuse. */
export function verifierSuite(options: VerifierSuiteOptions): void {
  suite('verifier', options, ({ test, needs }) => {
    const prepare = async () => {
      const [verifier, f] = [await options.make(), await options.fixture()]
      const judge = (
        subject: Partial<VerifierSubject>,
        evidence: Partial<Evidence> = {},
        context: Partial<VerifyContext> = {},
      ) => verifier.verify({ ...f.subject, ...subject }, { ...f.evidence, ...evidence }, { ...f.context, ...context })
      return { verifier, f, judge }
    }

    test('names a kind, vendor and what, and a tier', async () => {
      const { verifier, f } = await prepare()
      ensure(/^[^/]+\/.+$/.test(verifier.kind), `'${verifier.kind}' is not vendor/what`)
      ensure(verifier.tier.length > 0, 'the tier has no name')
      same(f.evidence.kind, verifier.kind, 'the kind of the fixture')
    })

    test('accepts honest evidence for its tier', async () => {
      const { verifier, judge } = await prepare()
      const verdict = await judge({})
      ensure(favourable(verdict), `the verdict is ${describe(verdict)}`)
      same(verdict.tier, verifier.tier, 'the tier of the verdict')
      ensure(
        verdict.checks.every((c) => c.outcome !== 'fail'),
        'an accepted verdict lists a failed check',
      )
    })

    test('speaks for at least one output, and only for commitments of the claim', async () => {
      const { f, judge } = await prepare()
      const { covers } = await judge({})
      ensure(
        f.subject.signed.outputs.some((c) => listed(covers, c)),
        'no output commitment is covered',
      )
      const all = [...f.subject.signed.inputs, ...f.subject.signed.outputs]
      ensure(
        covers.every((c) => listed(all, c)),
        'a commitment is covered that the claim does not list',
      )
    })

    test('says the same again', async () => {
      const { judge } = await prepare()
      same(await judge({}), await judge({}), 'the second verdict')
    })

    test('changes nothing that it is given', async () => {
      const { f, judge } = await prepare()
      const before = structuredClone([f.subject, f.evidence])
      await judge({})
      same([f.subject, f.evidence], before, 'what was given')
    })

    test('refuses evidence of another claim', async () => {
      const { f, judge } = await prepare()
      refused(await judge({}, f.other.evidence), 'evidence of another claim')
      refused(await judge(f.other.subject), 'evidence for another claim')
      refused(await judge({}, { payload: f.other.evidence.payload }), "another claim's payload")
      refused(await judge(f.other.subject, { claim: f.other.evidence.claim }), 'evidence relabelled for another claim')
    })

    test('refuses a forgery: well-formed evidence of this claim by anybody else', async () => {
      const { f, judge } = await prepare()
      ensure(f.forgeries.length > 0, 'the fixture has no forgeries')
      for (const [i, forged] of f.forgeries.entries()) refused(await judge({}, forged), `forgery ${i}`)
    })

    test('refuses the claim with any field changed, however the evidence is labelled', async () => {
      const { f, judge } = await prepare()
      const { claim } = f.subject.signed
      for (const [field, value] of Object.entries(claim)) {
        const changed = { ...claim, [field]: otherValue(value) } as Claim
        const signed = { ...f.subject.signed, claim: changed }
        refused(await judge({ signed }), `another ${field}`)
      }
    })

    test('covers no commitment list but the one that the claim hashes', async () => {
      const { f, judge } = await prepare()
      const [inputs, outputs] = [f.subject.signed.inputs, f.subject.signed.outputs].map((list) =>
        list.map((c) => ({ ...c, value: otherHex(c.value) })),
      )
      ensure(inputs !== undefined && outputs !== undefined, 'there are two lists')
      // Also where no outputs are stated, so that nothing but the list gives it away.
      for (const stated of [f.subject.outputs, []]) {
        for (const lists of [{ inputs }, { outputs }]) {
          const verdict = await judge({ signed: { ...f.subject.signed, ...lists }, outputs: stated })
          ensure(
            !favourable(verdict) || ![...inputs, ...outputs].some((c) => listed(verdict.covers, c)),
            'a list of somebody else is covered',
          )
        }
      }
      // The list may be exchanged together with its digest: that is another claim.
      const claim = { ...f.subject.signed.claim, outputs: commitmentsDigest(outputs) }
      refused(await judge({ signed: { ...f.subject.signed, claim, outputs } }), 'another list with its digest')
    })

    needs('outputs', 'refuses outputs that do not open the commitments', async () => {
      const { f, judge } = await prepare()
      for (const [i, t] of f.subject.outputs.entries()) {
        if (t.data.length === 0) continue
        refused(await judge({ outputs: f.subject.outputs.with(i, flipped(t)) }), `another value of ${t.name}`)
      }
    })

    test('rejects what is malformed, and does not throw', async () => {
      const { f, judge } = await prepare()
      const { payload } = f.evidence
      const payloads: readonly (readonly [string, Uint8Array])[] = [
        ['nothing', new Uint8Array()],
        ['one byte', Uint8Array.of(0)],
        ['a byte less', payload.subarray(0, -1)],
        ['a byte more', Uint8Array.of(...payload, 0)],
        ['the payload twice', Uint8Array.of(...payload, ...payload)],
        ['zeros', new Uint8Array(payload.length)],
        ['ones', new Uint8Array(payload.length).fill(0xff)],
        ['text', new TextEncoder().encode('{"__proto__":{"status":"accepted"}}')],
        ['10 000 bytes', Uint8Array.from({ length: 10_000 }, (_, i) => (i * 131) % 256)],
      ]
      for (const [name, bytes] of payloads) mustReject(await judge({}, { payload: bytes }), name)
      mustReject(await judge({}, { version: f.evidence.version + 1 }), 'a later version')
      mustReject(await judge({}, { kind: 'conformance/unknown' }), 'another kind')
      mustReject(await judge({}, { claim: otherHex(f.evidence.claim) as Digest }), 'another claim digest')
    })

    needs('everyByte', 'refuses the payload with any byte changed', async () => {
      const { f, judge } = await prepare()
      const { payload } = f.evidence
      const step = Math.max(1, Math.floor(payload.length / 64))
      for (let at = 0; at < payload.length; at += step) {
        refused(await judge({}, { payload: payload.map((b, i) => (i === at ? b ^ 0x01 : b)) }), `byte ${at} changed`)
      }
    })

    needs('anchors', 'leaves open what it has no anchor for, and refuses another anchor', async () => {
      const { f, judge } = await prepare()
      const none = await judge({}, {}, { anchors: () => [] })
      ensure(
        none.status === 'undetermined' && none.missing === 'anchor',
        `without an anchor the verdict is ${describe(none)}`,
      )
      const anchors: VerifyContext['anchors'] = (program, kind) =>
        f.context.anchors(program, kind).map((a) => ({ ...a, digest: otherHex(a.digest) as Digest }))
      refused(await judge({}, {}, { anchors }), 'evidence under another anchor')
      const several: VerifyContext['anchors'] = (program, kind) => [
        ...anchors(program, kind),
        ...f.context.anchors(program, kind),
      ]
      const rotated = await judge({}, {}, { anchors: several })
      ensure(favourable(rotated), `with the anchor as one of several the verdict is ${describe(rotated)}`)
    })

    needs('policies', 'refuses what the policy does not allow', async () => {
      const { f, judge } = await prepare()
      for (const policy of f.unmet ?? []) refused(await judge({}, {}, { policy }), `policy ${JSON.stringify(policy)}`)
    })
  })
}

type Favourable = Extract<Verdict, { status: 'accepted' | 'pending' }>

const favourable = (v: Verdict): v is Favourable => v.status === 'accepted' || v.status === 'pending'

const describe = (v: Verdict): string =>
  v.status === 'rejected'
    ? `rejected (${v.code})`
    : v.status === 'undetermined'
      ? `undetermined (${v.missing})`
      : v.status

const refused = (v: Verdict, what: string): void => ensure(!favourable(v), `${what} is ${describe(v)}`)

const mustReject = (v: Verdict, what: string): void => {
  ensure(v.status === 'rejected', `${what} is ${describe(v)}, not rejected`)
  ensure(/^VS_[A-Z0-9_]+$/.test(v.code), `'${v.code}' is not a code`)
}

const listed = (list: VerifierSubject['signed']['outputs'], c: VerifierSubject['signed']['outputs'][number]): boolean =>
  list.some((d) => d.tensor === c.tensor && d.scheme === c.scheme && d.value === c.value)

const otherHex = (h: Hex): Hex => (h.endsWith('0') ? `${h.slice(0, -1)}1` : `${h.slice(0, -1)}0`) as Hex

const otherValue = (v: Hex | bigint): Hex | bigint => (typeof v === 'bigint' ? v + 1n : otherHex(v))

const flipped = (t: Tensor): Tensor => ({ ...t, data: t.data.map((b, i) => (i === 0 ? b ^ 1 : b)) })
