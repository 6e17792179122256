import {
  type Address,
  claimDigest,
  type Digest,
  evaluateRequirement,
  fromHex,
  type Hex,
  jsonDigest,
  keccak,
  keccakText,
  policyDigest,
  type RequestId,
  recoverSigner,
  toHex,
} from '../../claim/index.ts'
import { fail } from '../../errors/index.ts'
import type { Plugin, SettleJob, Settler } from '../../plugin/roles.ts'
import type { Settlement } from '../../receipt/settlement.ts'
import type { SettlerUnderTest } from '../settler.ts'
import { fakeAnchor } from './fake-tier.ts'

const CHAIN_ID = 31337n
const CONTRACT = `0x${'5e'.repeat(20)}` as Address
const PAYER = `0x${'9a'.repeat(20)}` as Address

const addressOf = (text: string): Address => toHex(keccakText(text).subarray(12)) as Address

/** A settlement contract in memory: escrow and credits, and evidence of the fake tier judged as its contract would. */
export function fakeSettler(): SettlerUnderTest {
  const states = new Map<RequestId, Settlement>()
  const credits = new Map<Address, bigint>()
  const watchers = new Set<() => void>()
  let taken = 0n

  const move = (id: RequestId, state: Settlement['state']): Settlement => {
    const settlement: Settlement = {
      network: `eip155:${CHAIN_ID}`,
      ref: toHex(keccak(fromHex(id), keccakText(state))),
      state,
      mode: 'individual',
      detail: {},
    }
    states.set(id, settlement)
    for (const wake of watchers) wake()
    return settlement
  }

  const settler: Settler = {
    network: `eip155:${CHAIN_ID}`,
    chainId: CHAIN_ID,
    contract: CONTRACT,
    payer: PAYER,
    pin: async (artefacts, onchain) => ({
      verifier: addressOf(`${onchain.proofSystem} ${artefacts.anchor}`),
      codeHash: toHex(keccakText(onchain.proofSystem)) as Digest,
      params: onchain.params(artefacts),
    }),
    terms: (options) => ({ digest: jsonDigest(options), preimage: options }),
    prepare: async ({ request }, call) => {
      call.signal.throwIfAborted()
      const known = states.get(request.id)
      if (known !== undefined) return known
      taken += request.priceWei
      return move(request.id, 'submitted')
    },
    settle: async (job, call) => {
      call.signal.throwIfAborted()
      const { request } = job
      const before = states.get(request.id)
      if (before === undefined) throw refused('an escrowed request', 'a request without escrow')
      if (before.state === 'accepted') return before
      requireProved(job)
      const { claimant } = job.receipt.signed.claim
      credits.set(claimant, (credits.get(claimant) ?? 0n) + request.priceWei)
      return move(request.id, 'accepted')
    },
    status: async (id) => states.get(id),
    async *watch(id, signal) {
      let seen: Settlement | undefined
      while (!signal.aborted) {
        const now = states.get(id)
        if (now !== undefined && now !== seen) {
          seen = now
          yield now
          continue
        }
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            watchers.delete(wake)
            signal.removeEventListener('abort', wake)
            resolve()
          }
          watchers.add(wake)
          signal.addEventListener('abort', wake)
        })
      }
    },
  }
  return { settler, credited: async (account) => credits.get(account) ?? 0n, taken: async () => taken }
}

function requireProved({ request, requirement, policies, receipt, onchain }: SettleJob): void {
  const { signed, outputs, evidence } = receipt
  const { claim } = signed
  const digest = claimDigest(claim)
  const answers =
    claim.request === request.id &&
    claim.program === request.program &&
    claim.inputs === request.inputs &&
    claim.requirement === request.requirement &&
    claim.chainId === CHAIN_ID &&
    claim.contract === CONTRACT
  if (!answers) throw refused('a claim for this request', 'another claim')
  if (recoverSigner(digest, signed.signature) !== claim.claimant) throw refused("the claimant's signature", 'another')
  const value = evaluateRequirement(requirement, (leaf) => {
    const policy = policies.find((p) => policyDigest(p) === leaf.policy)
    const proved = evidence.some((e) => {
      const bytes = onchain.get(e.kind)?.encode(signed, outputs, e)
      const by = bytes === undefined ? undefined : recoverSigner(digest, `0x${bytes.slice(2, 132)}` as Hex)
      return by !== undefined && fakeAnchor(claim.program, by) === policy?.params
    })
    return proved ? 'true' : 'false'
  })
  if (value !== 'true') throw refused('evidence that meets the requirement', 'evidence that does not')
}

const refused = (expected: string, got: string) => fail('VS_CORE_EVIDENCE_REFUSED', { details: { expected, got } })

export const fakeSettlerPlugin = (under: SettlerUnderTest = fakeSettler()): Plugin => ({
  specificationVersion: 'v1',
  name: 'fake-settler',
  version: '0.0.0',
  provides: ['settler'],
  register: (host) => host.provide('settler', () => under.settler),
})
