import { fail } from '../errors/index.ts'
import { hashStruct, keccak, keccakText } from './eip712.ts'
import {
  type Address,
  type Digest,
  fromHex,
  type Hex,
  parseAddress,
  parseDigest,
  parseHex,
  show,
  toHex,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from './hex.ts'
import { type Json, jsonDigest } from './json.ts'

/** How an answer becomes reliable. The set is open: a stranger's tier is a name of its own, `acme/quorum`. */
export type Tier = 'zkml' | 'tee' | 'optimistic' | (string & {})

/** `policy` is the {@link policyDigest} of what makes this tier good enough. */
export interface Leaf {
  readonly tier: Tier
  readonly policy: Digest
}

export type Requirement =
  | Leaf
  | { readonly all: readonly Requirement[] }
  | { readonly any: readonly Requirement[] }
  | { readonly atLeast: number; readonly of: readonly Requirement[] }

/**
 * What a leaf's digest stands for. `verifier`, `codeHash` and `params` pin the contract that decides on chain and are
 * zero and empty where the tier is not settled; `offchain` is what a verifier outside a chain appraises by.
 */
export interface Policy {
  readonly tier: Tier
  readonly verifier: Address
  readonly codeHash: Digest
  readonly params: Hex
  readonly offchain: Json
}

/** A requirement as a caller writes it: a tier's name, or a tier with what makes it good enough, or a group. */
export type Require =
  | Tier
  | { readonly tier: Tier; readonly policy?: Json }
  | { readonly all: readonly Require[] }
  | { readonly any: readonly Require[] }
  | { readonly atLeast: number; readonly of: readonly Require[] }

export const MAX_LEAVES = 8
/** Opcode of a group in the formula; leaf indices are below it. */
const GROUP = 0x80

export const offchainPolicy = (tier: Tier, offchain: Json): Policy => ({
  tier,
  verifier: ZERO_ADDRESS,
  codeHash: ZERO_DIGEST,
  params: '0x',
  offchain,
})

/** Throws `VS_CORE_INVALID_DATA` with the name of a field that is not what it has to be. */
export function policyDigest(p: Policy): Digest {
  const verifier = parseAddress(p.verifier, 'policy.verifier')
  const codeHash = parseDigest(p.codeHash, 'policy.codeHash')
  const params = keccak(fromHex(parseHex(p.params, 'policy.params')))
  return toHex(hashStruct('policy', keccakText(p.tier), verifier, codeHash, params, jsonDigest(p.offchain))) as Digest
}

/** Words with one space between them, and nothing that can not be seen: verdicts are read by people, line by line. */
export const TIER_NAME = /^(?=.{1,128}$)[^\p{Cc}\p{Cf}\p{Cs}\p{Z}]+(?: [^\p{Cc}\p{Cf}\p{Cs}\p{Z}]+)*$/u

export const isLeaf = (r: Requirement): r is Leaf => 'tier' in r

export interface Group {
  readonly k: number
  readonly of: readonly Requirement[]
}

/** `all` is n of n, `any` is 1 of n. */
export function requirementGroup(r: Exclude<Requirement, Leaf>): Group {
  if ('all' in r) return { k: r.all.length, of: r.all }
  if ('any' in r) return { k: 1, of: r.any }
  return { k: r.atLeast, of: r.of }
}

/** The distinct leaves in depth-first order of first occurrence; bit i of a contract's bitmap is leaf i. */
export function leaves(requirement: Requirement): readonly Leaf[] {
  const found: Leaf[] = []
  const walk = (r: Requirement): void => {
    if (!isLeaf(r)) requirementGroup(r).of.forEach(walk)
    else if (!found.some((l) => sameLeaf(l, r))) found.push(r)
  }
  walk(requirement)
  return found
}

/** A group of one is its only member. */
function alone(r: Requirement): Requirement {
  if (isLeaf(r)) return r
  const [only, ...more] = requirementGroup(r).of
  return only === undefined || more.length > 0 ? r : alone(only)
}

export const sameLeaf = (a: Leaf, b: Leaf): boolean => a.tier === b.tier && a.policy === b.policy

/**
 * The requirement as a contract reads it: reverse Polish, one byte per leaf (its index) and three per group
 * (0x80, k, n: true when at least k of the n values before it are). `all` is n of n, `any` is 1 of n. A group of one is its
 * only member.
 */
export function requirementFormula(requirement: Requirement): Uint8Array {
  const found = leaves(requirement)
  const out: number[] = []
  const walk = (r: Requirement): void => {
    if (isLeaf(r)) {
      out.push(found.findIndex((l) => sameLeaf(l, r)))
      return
    }
    const { k, of } = requirementGroup(r)
    of.forEach(walk)
    if (of.length > 1) out.push(GROUP, k, of.length)
  }
  walk(requirement)
  return Uint8Array.from(out)
}

/**
 * Throws `VS_CORE_REQUIREMENT_INVALID` for an empty group, a k out of range, a group that counts one leaf twice, or more than
 * a contract evaluates: 32 nodes make a formula of at most 61 bytes.
 */
export function checkRequirement(requirement: Requirement): Requirement {
  let nodes = 0
  const walk = (r: Requirement, depth: number): void => {
    nodes += 1
    if (depth > 8 || nodes > 32) throw invalid('at most 32 nodes, 8 deep', `${nodes} nodes, ${depth} deep`)
    if (typeof r !== 'object' || r === null) throw invalid('a leaf, or all, any or atLeast of some', show(r))
    if (isLeaf(r)) {
      if (!TIER_NAME.test(r.tier))
        throw invalid('a tier name: visible characters, up to 128, single spaces', show(r.tier))
      return
    }
    const list: unknown = 'all' in r ? r.all : 'any' in r ? r.any : r.of
    if (!Array.isArray(list)) throw invalid('a leaf, or all, any or atLeast of some', Object.keys(r).join(', '))
    const { k, of } = requirementGroup(r)
    if (of.length === 0) throw invalid('a group of at least one', 'an empty group')
    if (!Number.isInteger(k) || k < 1 || k > of.length) throw invalid(`atLeast of 1..${of.length}`, String(k))
    for (const inner of of) walk(inner, depth + 1)
    const own = of.map(alone).filter(isLeaf)
    const twice = own.find((leaf, i) => own.findIndex((other) => sameLeaf(leaf, other)) !== i)
    if (twice !== undefined) throw invalid('each leaf once in a group', `${show(twice.tier)} twice`)
  }
  walk(requirement, 0)
  const count = leaves(requirement).length
  if (count > MAX_LEAVES) throw invalid(`at most ${MAX_LEAVES} distinct leaves`, String(count))
  return requirement
}

const invalid = (expected: string, got: string) =>
  fail('VS_CORE_REQUIREMENT_INVALID', { details: { field: 'requirement', expected, got } })

export function leafHash(leaf: Leaf): Uint8Array {
  return hashStruct('leaf', keccakText(leaf.tier), parseDigest(leaf.policy, 'requirement.policy'))
}

/** The digest that request and claim carry. */
export function requirementDigest(requirement: Requirement): Digest {
  const found = leaves(checkRequirement(requirement))
  return toHex(
    hashStruct('requirement', keccak(...found.map(leafHash)), keccak(requirementFormula(requirement))),
  ) as Digest
}

/** Kleene's three values: a leaf nobody could judge leaves the whole open unless the others decide it. */
export type Ternary = 'true' | 'unknown' | 'false'

export function evaluateRequirement(requirement: Requirement, leafValue: (leaf: Leaf) => Ternary): Ternary {
  if (isLeaf(requirement)) return leafValue(requirement)
  const { k, of } = requirementGroup(requirement)
  const values = of.map((r) => evaluateRequirement(r, leafValue))
  const sure = values.filter((v) => v === 'true').length
  const possible = values.filter((v) => v !== 'false').length
  if (sure >= k) return 'true'
  return possible >= k ? 'unknown' : 'false'
}
