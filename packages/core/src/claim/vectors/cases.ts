import { keccak_256 } from '@noble/hashes/sha3.js'
import { type Claim, claimDigest, localSigner } from '../claim.ts'
import { type Commitment, commitmentsDigest, RAW_SCHEME, rawCommitment } from '../commitment.ts'
import { domainSeparator, keccakText, TYPE_STRINGS } from '../eip712.ts'
import { type Address, type Digest, type Hex, type ProgramId, type RequestId, toHex, ZERO_ADDRESS } from '../hex.ts'
import { canonicalJson, type Json, jsonDigest } from '../json.ts'
import { type Request, requestId, termsDigest } from '../request.ts'
import {
  leafHash, leaves, offchainPolicy, type Policy, policyDigest, type Requirement, requirementDigest, requirementFormula,
} from '../requirement.ts'
import { ELEMENT_BYTES, type ElementType, integerRange, isIntegerType, type Tensor, tensor } from '../tensor.ts'

/**
 * The inputs of the vectors. Everything in the result is text, or an array of text: integers in decimal, bytes in
 * hexadecimal, free JSON as its canonical text.
 */
export function claimVectors() {
  const claims = claimCases()
  return {
    version: '1',
    types: Object.entries(TYPE_STRINGS).map(([name, type]) => ({ name, type, typeHash: toHex(keccakText(type)) })),
    domains: domains.map(([chainId, contract]) => ({
      chainId: String(chainId),
      contract,
      separator: toHex(domainSeparator(chainId, contract)),
    })),
    tensors: tensors.map((t) => ({
      name: t.name,
      type: t.type,
      shape: t.shape.map(String),
      data: toHex(t.data),
      raw: rawCommitment(t),
      keccak: toHex(keccak_256(hexBytes(rawCommitment(t)))),
    })),
    commitments: commitmentLists.map(([name, list]) => ({
      name,
      tensors: list.map((c) => c.tensor),
      schemes: list.map((c) => c.scheme),
      values: list.map((c) => c.value),
      digest: commitmentsDigest(list),
    })),
    policies: policies.map((p) => ({
      tier: p.tier,
      verifier: p.verifier,
      codeHash: p.codeHash,
      params: p.params,
      offchain: canonicalJson(p.offchain),
      offchainDigest: jsonDigest(p.offchain),
      digest: policyDigest(p),
    })),
    requirements: requirements.map(([name, r]) => ({
      name,
      requirement: canonicalJson(asJson(r)),
      tiers: leaves(r).map((l) => l.tier),
      policies: leaves(r).map((l) => l.policy),
      leaves: leaves(r).map((l) => toHex(leafHash(l))),
      formula: toHex(requirementFormula(r)),
      digest: requirementDigest(r),
    })),
    terms: termsCases.map((t) => ({
      application: canonicalJson(t.application),
      applicationDigest: jsonDigest(t.application),
      settlement: t.settlement,
      digest: termsDigest(t),
    })),
    requests: requests.map((r) => ({ ...texts(r), id: requestId(r) })),
    claims: claims.map(({ privateKey, claim }) => ({
      ...texts(claim),
      privateKey,
      digest: claimDigest(claim),
      signature: signatures.get(claimDigest(claim)) ?? '',
    })),
  }
}

const hexBytes = (hex: Hex) => Uint8Array.from(hex.slice(2).match(/../g) ?? [], (b) => Number.parseInt(b, 16))
const digestOf = (text: string): Digest => toHex(keccakText(text)) as Digest
const texts = (fields: object): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, String(v)]))

const MAX_U64 = (1n << 64n) - 1n
const MAX_U256 = (1n << 256n) - 1n
const MAX_ADDRESS = `0x${'ff'.repeat(20)}` as Address
const CONTRACT = '0x5fbdb2315678afecb367f032d93f642f64180aa3' as Address
const PAYER = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266' as Address
const VERIFIER = '0xe7f1725e7734ce288f8367e1bb143e90bb3f0512' as Address
