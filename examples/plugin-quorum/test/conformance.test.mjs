import { describe, test } from 'node:test'
import { claimDigest, tensor } from '@veristack/core'
import { proverSuite, quietCall, verifierSuite } from '@veristack/core/testing'
import { encodeEvidence, KIND, statement } from '../dist/evidence.js'
import { quorumVerifier } from '../dist/verify.js'
import { contextOf, jobOf, members, membership, program, proverOf, signerOf, subjectOf } from './quorum-case.mjs'

const runner = { describe, test }

// With every member needed, one wrong execution is enough for a refusal; two of three tolerate it.
for (const [threshold, witness] of [
  [3, true],
  [2, false],
]) {
  describe(`${threshold} of 3`, () => {
    proverSuite({
      runner,
      make: () => proverOf(threshold),
      capabilities: { witness },
      fixture: async () => ({
        job: await jobOf({ threshold }),
        other: await jobOf({ threshold, seed: 1 }),
        need: { program, leaf: { tier: KIND, policy: `0x${'00'.repeat(32)}` }, inputShapes: { x: [2] } },
        verifier: quorumVerifier,
        context: contextOf(threshold),
        twoOutputs: await jobOf({ threshold, also: [tensor('y', 'int32', [2], [1, 1])] }),
      }),
    })
  })
}

verifierSuite({
  runner,
  make: () => quorumVerifier,
  fixture: async () => {
    const [job, other] = [await jobOf(), await jobOf({ seed: 1 })]
    const prove = (j) => proverOf(2).prove(j, quietCall())
    const evidence = await prove(job)
    const digest = claimDigest(job.signed.claim)
    /** Well-formed evidence of this claim: who signs, what, and as members of what. */
    const forge = async (signers, { over = statement(digest), quorum = membership(2) } = {}) => ({
      ...evidence,
      payload: encodeEvidence({ quorum, signatures: await Promise.all(signers.map((s) => s.sign(over))) }),
    })
    const [a, b, c] = members
    const strangers = [signerOf(4), signerOf(5), signerOf(6)].sort((s, t) => (s.address < t.address ? -1 : 1))
    return {
      subject: subjectOf(job),
      evidence,
      context: contextOf(2),
      other: { subject: subjectOf(other), evidence: await prove(other) },
      forgeries: [
        await forge([a, signerOf(4)]), // one of them not a member
        await forge([signerOf(4), a]),
        await forge(strangers),
        await forge([a, a]), // one member twice
        await forge([b, a]),
        await forge([a]), // below the threshold
        await forge([]),
        await forge([a, b, c], { over: statement(claimDigest(other.signed.claim)) }), // another claim
        await forge([a, b, c], { over: digest }), // what claimants sign, not what members sign
        await forge([a], { quorum: membership(1) }), // a threshold of his own
        await forge(strangers, { quorum: membership(2, strangers) }), // a membership of his own
      ],
      unmet: [{ signatures: 4 }, { signatures: '1' }, { members: 2 }, 'two', []],
    }
  },
})
