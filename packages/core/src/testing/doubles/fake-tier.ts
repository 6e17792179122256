import {
  type Commitment,
  claimDigest,
  commitmentKey,
  commitmentsDigest,
  type Digest,
  fromHex,
  type Hex,
  keccak,
  keccakText,
  localSigner,
  opensPublic,
  type ProgramId,
  recoverSigner,
  type Signer,
  type Tensor,
  tensorSpec,
  toHex,
} from '../../claim/index.ts'
import { fail } from '../../errors/index.ts'
import type { Artefacts, Committer, OnChain, Plugin, Prover } from '../../plugin/roles.ts'
import type { Check, Evidence, EvidenceKind, Verdict, Verifier } from '../../receipt/verdict.ts'
import { FAKE_SEMANTICS } from './fake-executor.ts'

export const FAKE_TIER = 'fake'
export const FAKE_KIND: EvidenceKind = 'fake/keyed'
export const FAKE_SCHEME = 'fake-keccak/v1'

/** Known to everybody: nothing that this key signs may be relied on. */
const notary = localSigner(`0x${'fa'.repeat(32)}`)

export interface FakeTierOptions {
  /** Whose signature is the evidence. Default: a key that is published here. */
  readonly notary?: Signer
}

/** The anchor of a program: keccak256(program ‖ address of the notary). */
export const fakeAnchor = (program: ProgramId, by: Hex = notary.address): Digest =>
  toHex(keccak(fromHex(program), fromHex(by))) as Digest

/** keccak256 over spec and data of each tensor and the salt. */
export const fakeCommitter = (): Committer => ({
  scheme: FAKE_SCHEME,
  hiding: true,
  commit: async (_, tensors, salt) => fakeCommitment(tensors, salt),
})

const fakeCommitment = (tensors: readonly Tensor[], salt: Hex | undefined): Hex =>
  toHex(
    keccak(
      ...tensors.flatMap((t) => [keccakText(tensorSpec(t)), keccak(t.data)]),
      salt === undefined ? new Uint8Array() : fromHex(salt),
    ),
  )

/** Whether a commitment holds these outputs; undefined for a scheme that the fake tier does not know. */
export function holds(
  c: Commitment,
  outputs: readonly Tensor[],
  salts: Readonly<Record<string, Hex>>,
): boolean | undefined {
  const stated = new Map(outputs.map((t) => [tensorSpec(t), t]))
  if (c.scheme !== FAKE_SCHEME) return opensPublic(c, stated)
  const tensors = c.tensor.split(',').map((spec) => stated.get(spec))
  const found = tensors.filter((t) => t !== undefined)
  return found.length === tensors.length && c.value === fakeCommitment(found, salts[commitmentKey(c)])
}

/** 65 bytes of signature over the claim digest, 4 of keccak256(digest ‖ signature): damage shows without a key. */
export async function fakePayload(digest: Digest, signer: Signer): Promise<Uint8Array> {
  const signature = fromHex(await signer.sign(digest))
  return Uint8Array.of(...signature, ...checksum(digest, signature))
}

export const checksum = (digest: Digest, signature: Uint8Array): Uint8Array =>
  keccak(fromHex(digest), signature).subarray(0, 4)

/** Signs claims whose output commitments hold what was executed. */
export function fakeProver(options: FakeTierOptions = {}): Prover {
  const signer = options.notary ?? notary
  return {
    kind: FAKE_KIND,
    tier: FAKE_TIER,
    semantics: [FAKE_SEMANTICS],
    executions: 1,
    quote: async ({ program }) =>
      program.semantics === FAKE_SEMANTICS
        ? { ok: true, executeMs: 0, proveMs: 0, finalMs: 0, gas: 50_000n, priceWei: 0n, bondWei: 0n }
        : { ok: false, code: 'VS_CORE_UNKNOWN_TIER', reasons: [`the fake tier proves ${FAKE_SEMANTICS} only`] },
    setup: async (program) => ({
      kind: FAKE_KIND,
      program: program.id,
      anchor: fakeAnchor(program.id, signer.address),
      origin: 'development',
      blobs: {},
    }),
    prove: async (job, call): Promise<Evidence> => {
      call.signal.throwIfAborted()
      if (job.artefacts === undefined) throw fail('VS_CORE_NOT_PUBLISHED', { details: { program: job.program.id } })
      const { signed, salts, executions } = job
      for (const c of signed.outputs) {
        if (executions.every((e) => holds(c, e.outputs, salts) === true)) continue
        throw fail('VS_CORE_COMMITMENT_MISMATCH', { details: { commitment: `${c.tensor} (${c.scheme})` } })
      }
      const claim = claimDigest(signed.claim)
      return { kind: FAKE_KIND, version: 1, claim, payload: await fakePayload(claim, signer), blobs: [] }
    },
  }
}

/** Accepts what the notary of the anchor has signed. Policy: `{ "origin": … }` asks for an origin of the anchor. */
export const fakeVerifier = (): Verifier => ({
  kind: FAKE_KIND,
  tier: FAKE_TIER,
  verify: async ({ signed, outputs, salts }, evidence, context): Promise<Verdict> => {
    const { claim } = signed
    const digest = claimDigest(claim)
    const [signature, tail] = [evidence.payload.subarray(0, 65), evidence.payload.subarray(65)]
    const anchors = context.anchors(claim.program, FAKE_KIND)
    const by = recoverSigner(digest, toHex(signature))
    const checks: readonly Check[] = [
      check('form', evidence.kind === FAKE_KIND && evidence.version === 1 && evidence.payload.length === 69),
      check('checksum', toHex(tail) === toHex(checksum(digest, signature))),
      check('claim', evidence.claim === digest),
      check(
        'lists',
        commitmentsDigest(signed.inputs) === claim.inputs && commitmentsDigest(signed.outputs) === claim.outputs,
      ),
      check(
        'outputs',
        signed.outputs.every((c) => holds(c, outputs, salts) !== false),
      ),
    ]
    const common = { assumptions: ['the notary signs only what it executed'], covers: [] }
    const rejected = { ...common, status: 'rejected', code: 'VS_CORE_EVIDENCE_REFUSED' } as const
    if (checks.some((c) => c.outcome === 'fail')) return { ...rejected, checks }
    if (anchors.length === 0) return { ...common, status: 'undetermined', missing: 'anchor', checks }
    const matching = anchors.filter((a) => by !== undefined && fakeAnchor(claim.program, by) === a.digest)
    const judged = [
      ...checks,
      check('notary', matching.length > 0),
      check('origin', matching.length === 0 || matching.some((a) => originAllowed(context.policy, a.origin))),
    ]
    if (judged.some((c) => c.outcome === 'fail')) return { ...rejected, checks: judged }
    const covers = signed.outputs.filter((c) => holds(c, outputs, salts) === true)
    return { ...common, covers, status: 'accepted', tier: FAKE_TIER, checks: judged }
  },
})

const check = (name: string, ok: boolean): Check => ({ name, outcome: ok ? 'pass' : 'fail' })

const originAllowed = (policy: unknown, origin: string): boolean =>
  typeof policy !== 'object' || policy === null || !('origin' in policy) || policy.origin === origin

/** For {@link fakeSettler}: `params` is the anchor, the evidence is the payload. */
export const fakeOnChain = (): OnChain => ({
  kind: FAKE_KIND,
  proofSystem: 'fake-keyed',
  deployment: async (artefacts) => ({ bytecode: '0xfe', constructorArgs: artefacts.anchor }),
  params: (artefacts: Artefacts) => artefacts.anchor,
  encode: (_, __, evidence) => {
    if (evidence.kind !== FAKE_KIND || evidence.version !== 1 || evidence.payload.length !== 69) {
      throw fail('VS_CORE_INVALID_DATA', {
        details: {
          field: 'evidence',
          expected: `${FAKE_KIND} version 1 of 69 bytes`,
          got: `${evidence.kind} version ${evidence.version}`,
        },
      })
    }
    return toHex(evidence.payload)
  },
})

/** A tier for tests. Its evidence is worth nothing; everything around it is as strict as for a real one. */
export const fakeTier = (options: FakeTierOptions = {}): Plugin => ({
  specificationVersion: 'v1',
  name: 'fake-tier',
  version: '0.0.0',
  provides: ['committer', 'prover', 'verifier', 'onchain'],
  register(host) {
    host.provide('committer', fakeCommitter)
    host.provide('prover', () => fakeProver(options))
    host.provide('verifier', fakeVerifier)
    host.provide('onchain', fakeOnChain)
  },
})
