import {
  type Address,
  type Digest,
  fromHex,
  type Hex,
  keccak,
  keccakText,
  parseAddress,
  toHex,
} from '@veristack/core/receipt'

export const KIND = 'acme/quorum'
export const VERSION = 1

/** Who may sign, and how many must. */
export interface Quorum {
  readonly threshold: number
  /** Ascending, distinct. */
  readonly members: readonly Address[]
}

export interface QuorumEvidence {
  readonly quorum: Quorum
  /** In the order of their signers in `members`. */
  readonly signatures: readonly Hex[]
}

const ADDRESS = 20
const SIGNATURE = 65

/** What a relying party pins: the membership, not the signatures. */
export const quorumAnchor = ({ threshold, members }: Quorum): Digest =>
  toHex(keccak(keccakText('acme/quorum/v1 members'), Uint8Array.of(threshold), ...members.map(fromHex))) as Digest

/** What a member signs. Not the claim digest itself: that is for claimants to sign. */
export const statement = (claim: Digest): Digest =>
  toHex(keccak(keccakText('acme/quorum/v1 agrees'), fromHex(claim))) as Digest

/** threshold ‖ n ‖ n addresses ‖ signatures. */
export function encodeEvidence({ quorum, signatures }: QuorumEvidence): Uint8Array {
  const parts = [...quorum.members, ...signatures].map(fromHex)
  return Uint8Array.from([quorum.threshold, quorum.members.length, ...parts.flatMap((p) => [...p])])
}

/** undefined for anything that `encodeEvidence` does not make. */
export function decodeEvidence(payload: Uint8Array): QuorumEvidence | undefined {
  const [threshold, count] = payload
  if (threshold === undefined || count === undefined || threshold < 1 || threshold > count) return undefined
  const end = 2 + count * ADDRESS
  const rest = payload.length - end
  if (rest < 0 || rest % SIGNATURE !== 0 || rest / SIGNATURE > count) return undefined
  const members = Array.from({ length: count }, (_, i) =>
    parseAddress(toHex(payload.subarray(2 + i * ADDRESS, 2 + (i + 1) * ADDRESS))),
  )
  if (members.some((m, i) => i > 0 && m <= (members[i - 1] ?? m))) return undefined
  const signatures = Array.from({ length: rest / SIGNATURE }, (_, i) =>
    toHex(payload.subarray(end + i * SIGNATURE, end + (i + 1) * SIGNATURE)),
  )
  return { quorum: { threshold, members }, signatures }
}
