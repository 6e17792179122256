import type { Call, EscrowJob, EvidenceKind, OnChain, Receipt, SettleJob, Settler } from '@veristack/core'
import {
  type Address,
  type Commitment,
  claimDigest,
  commitmentsDigest,
  type Digest,
  fromHex,
  type Hex,
  type Json,
  jsonDigest,
  keccakText,
  localSigner,
  makeRequest,
  type Policy,
  type ProgramId,
  policyDigest,
  type Requirement,
  requirementDigest,
  termsDigest,
  toHex,
} from '@veristack/core'
import { agreeTerms } from '../terms.ts'

/** For tests and measurements: jobs that are the same each time they are made, in whichever process. */

export const PRICE = 10n ** 9n
export const KIND: EvidenceKind = 'plain/v1'
const digest = (name: string) => toHex(keccakText(name)) as Digest

/** Where the jobs are settled; all of it plain data. */
export interface World {
  readonly chainId: string
  readonly settlement: Address
  readonly payer: Address
  /** The claimant's key. */
  readonly claimantKey: Hex
  readonly policy: Policy
  /** Unix seconds. */
  readonly expiresAt: string
}

const adapter: OnChain = {
  kind: KIND,
  proofSystem: 'plain',
  deployment: async () => {
    throw new Error('the verifier is in place')
  },
  params: () => '0x',
  encode: (_signed, _outputs, evidence) => toHex(evidence.payload),
}

const inputs: readonly Commitment[] = [{ tensor: 'uint8[1]:x', scheme: 'raw/v1', value: `0x${'00'.repeat(31)}05` }]
const outputsOf = (n: number): readonly Commitment[] => [
  { tensor: 'uint8[1]:label', scheme: 'raw/v1', value: `0x${n.toString(16).padStart(64, '0')}` },
]

/** Job `n`. Its evidence is the claimant's signature over the claim digest, unless given. */
export async function jobOf(
  world: World,
  n: number,
  options: { readonly terms?: Json; readonly evidence?: Hex } = {},
): Promise<SettleJob> {
  const claimant = localSigner(world.claimantKey)
  const requirement: Requirement = { tier: world.policy.tier, policy: policyDigest(world.policy) }
  const terms = agreeTerms(options.terms ?? {})
  const application = { featuriser: 'none' }
  const outputs = outputsOf(n % 77)
  const common = {
    program: digest('program') as Hex as ProgramId,
    inputs: commitmentsDigest(inputs),
    requirement: requirementDigest(requirement),
    chainId: BigInt(world.chainId),
    contract: world.settlement,
    expiresAt: BigInt(world.expiresAt),
  }
  const request = makeRequest({
    ...common,
    terms: termsDigest({ application, settlement: terms.digest }),
    payer: world.payer,
    priceWei: PRICE,
    nonce: digest(`request ${n}`),
  })
  const claim = {
    ...common,
    request: request.id,
    outputs: commitmentsDigest(outputs),
    claimant: claimant.address,
  }
  const signature = await claimant.sign(claimDigest(claim))
  const payload = fromHex(options.evidence ?? signature)
  const receipt: Receipt = {
    version: 1,
    request,
    requirement,
    policies: [world.policy],
    terms: { application, settlement: terms.digest },
    signed: { claim, inputs, outputs, signature },
    outputs: [],
    salts: {},
    evidence: [{ kind: KIND, version: 1, claim: claimDigest(claim), payload, blobs: [] }],
    settlements: [],
  }
  const escrow: EscrowJob = {
    request,
    requirement,
    policies: [world.policy],
    application: jsonDigest(application),
    terms,
  }
  return { ...escrow, receipt, onchain: new Map([[KIND, adapter]]) }
}

export const callOf = (n: number, signal = new AbortController().signal): Call => ({
  signal,
  idempotencyKey: `job ${n}`,
  progress: () => {},
})

/** Escrows, submits and delivers. */
export async function settleJob(settler: Settler, job: SettleJob, call: Call): Promise<void> {
  await settler.prepare(job, call)
  const { state } = await settler.settle(job, call)
  if (state !== 'delivered') throw new Error(`job ends ${state}`)
}
