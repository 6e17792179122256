import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ethers } from 'ethers'
import { claimDigest, localSigner, recoverSigner } from '../claim.ts'
import { type Commitment, commitmentsDigest, openRaw, rawCommitment } from '../commitment.ts'
import { domainSeparator, TYPE_STRINGS } from '../eip712.ts'
import {
  fromHex,
  type Hex,
  parseAddress,
  parseDigest,
  parseHex,
  parseProgramId,
  parseRequestId,
  toHex,
} from '../hex.ts'
import { canonicalJson, type Json, jsonDigest } from '../json.ts'
import { requestId, termsDigest } from '../request.ts'
import {
  leafHash,
  leaves,
  policyDigest,
  type Requirement,
  requirementDigest,
  requirementFormula,
} from '../requirement.ts'
import { bigints, checkTensor, type ElementType } from '../tensor.ts'
import { claimVectors } from './cases.ts'

type Row = Readonly<Record<string, string>>
type Lists = Readonly<Record<string, readonly string[]>>
interface Vectors {
  readonly types: readonly Row[]
  readonly domains: readonly Row[]
  readonly tensors: readonly (Row & { readonly shape: readonly string[] })[]
  readonly commitments: readonly (Row & Lists)[]
  readonly policies: readonly Row[]
  readonly requirements: readonly (Row & Lists)[]
  readonly terms: readonly Row[]
  readonly requests: readonly Row[]
  readonly claims: readonly Row[]
}

const text = readFileSync(join(__dirname, 'claim-v1.json'), 'utf8')
const vectors: Vectors = JSON.parse(text)

/** A row's cell, which has to be there. */
function cell(row: object, name: string): string {
  const value: unknown = Reflect.get(row, name)
  if (typeof value !== 'string') throw new Error(`the vectors have no ${name}`)
  return value
}

function cells(row: object, name: string): readonly string[] {
  const value: unknown = Reflect.get(row, name)
  if (!Array.isArray(value)) throw new Error(`the vectors have no list ${name}`)
  return value.map(String)
}

const hex = (row: object, name: string): Hex => parseHex(cell(row, name), name)

const request = (r: Row) => ({
  program: parseProgramId(r.program),
  inputs: parseDigest(r.inputs),
  requirement: parseDigest(r.requirement),
  terms: parseDigest(r.terms),
  payer: parseAddress(r.payer),
  priceWei: BigInt(cell(r, 'priceWei')),
  nonce: hex(r, 'nonce'),
  chainId: BigInt(cell(r, 'chainId')),
  contract: parseAddress(r.contract),
  expiresAt: BigInt(cell(r, 'expiresAt')),
})

const claim = (r: Row) => ({
  request: parseRequestId(r.request),
  program: parseProgramId(r.program),
  inputs: parseDigest(r.inputs),
  outputs: parseDigest(r.outputs),
  requirement: parseDigest(r.requirement),
  claimant: parseAddress(r.claimant),
  chainId: BigInt(cell(r, 'chainId')),
  contract: parseAddress(r.contract),
  expiresAt: BigInt(cell(r, 'expiresAt')),
})

const commitments = (row: object): readonly Commitment[] =>
  cells(row, 'tensors').map((tensor, i) => ({
    tensor,
    scheme: cells(row, 'schemes')[i] ?? '',
    value: parseHex(cells(row, 'values')[i], 'value'),
  }))

describe('the file', () => {
  test('is frozen: whoever changes this line makes a new version of a type', () => {
    expect(createHash('sha256').update(text).digest('hex')).toBe(
      '8db1638635145339f1c60df263b0ee02d6868d1727f24283fcc0eddfbf56322e',
    )
  })

  test('is what its generator writes', async () => {
    expect(`${JSON.stringify(await claimVectors(), null, 2)}\n`).toBe(text)
  })

  test('gives every case another digest', () => {
    for (const rows of [vectors.commitments, vectors.terms, vectors.claims, vectors.policies]) {
      expect(new Set(rows.map((r) => cell(r, 'digest'))).size).toBe(rows.length)
    }
    // A group of one is its only member: all, any and one of one, and eight of them around each other, are the leaf.
    const { requirements } = vectors
    expect(new Set(requirements.map((r) => r.digest)).size).toBe(requirements.length - 4)
    expect(new Set(requirements.map((r) => `${r.leaves} ${r.formula}`)).size).toBe(requirements.length - 4)
    expect(new Set(vectors.requests.map((r) => r.id)).size).toBe(vectors.requests.length)
  })
})

describe('digests', () => {
  test.each(vectors.tensors)('tensor $name', (row) => {
    const t = checkTensor({
      name: cell(row, 'name'),
      type: cell(row, 'type') as ElementType,
      shape: row.shape.map(Number),
      data: fromHex(hex(row, 'data')),
    })
    expect(rawCommitment(t)).toBe(cell(row, 'raw'))
    expect(openRaw(hex(row, 'raw'))).toEqual(bigints(t))
  })

  test.each(vectors.commitments)('commitments: $name', (row) => {
    expect(commitmentsDigest(commitments(row))).toBe(cell(row, 'digest'))
  })

  test.each(vectors.policies)('policy $digest', (row) => {
    const offchain: Json = JSON.parse(cell(row, 'offchain'))
    expect(canonicalJson(offchain)).toBe(row.offchain)
    expect(jsonDigest(offchain)).toBe(row.offchainDigest)
    expect(
      policyDigest({
        tier: cell(row, 'tier'),
        verifier: parseAddress(row.verifier),
        codeHash: parseDigest(row.codeHash),
        params: hex(row, 'params'),
        offchain,
      }),
    ).toBe(row.digest)
  })

  test.each(vectors.requirements)('requirement: $name', (row) => {
    const requirement: Requirement = JSON.parse(cell(row, 'requirement'))
    expect(leaves(requirement).map((l) => l.tier)).toEqual(row.tiers)
    expect(leaves(requirement).map((l) => l.policy)).toEqual(row.policies)
    expect(leaves(requirement).map((l) => toHex(leafHash(l)))).toEqual(row.leaves)
    expect(toHex(requirementFormula(requirement))).toBe(row.formula)
    expect(requirementDigest(requirement)).toBe(row.digest)
  })

  test.each(vectors.terms)('terms $digest', (row) => {
    expect(
      termsDigest({ application: JSON.parse(cell(row, 'application')), settlement: parseDigest(row.settlement) }),
    ).toBe(row.digest)
  })

  test.each(vectors.requests)('request: $name', (row) => {
    expect(requestId(request(row))).toBe(row.id)
  })

  test.each(vectors.claims)('claim: $name', async (row) => {
    const digest = claimDigest(claim(row))
    expect(digest).toBe(row.digest)
    expect(await localSigner(hex(row, 'privateKey')).sign(digest)).toBe(row.signature)
    expect(recoverSigner(digest, hex(row, 'signature'))).toBe(row.claimant)
  })
})

describe('ethers agrees', () => {
  const members = (type: string) =>
    (/\((.*?)\)/.exec(type)?.[1] ?? '').split(',').map((member) => {
      const [kind = '', name = ''] = member.split(' ')
      return { type: kind, name }
    })
  const structs = {
    Commitment: members(TYPE_STRINGS.commitment),
    Policy: members(TYPE_STRINGS.policy),
    Leaf: members(TYPE_STRINGS.leaf),
    Requirement: members(TYPE_STRINGS.requirement),
    Terms: members(TYPE_STRINGS.terms),
    Request: members(TYPE_STRINGS.request),
    Claim: members(TYPE_STRINGS.claim),
  }
  const hashStruct = (name: keyof typeof structs, value: Record<string, unknown>) =>
    ethers.TypedDataEncoder.hashStruct(
      name,
      { [name]: structs[name], ...(name === 'Requirement' ? { Leaf: structs.Leaf } : {}) },
      value,
    )
  const domain = (row: Row) => ({
    name: 'Veristack',
    version: '1',
    chainId: BigInt(cell(row, 'chainId')),
    verifyingContract: cell(row, 'contract'),
  })

  /** The member that Solidity can not call `contract`. */
  const placed = (row: Row) => ({ ...row, verifyingContract: row.contract })

  test('on the types', () => {
    for (const row of vectors.types) expect(row.typeHash).toBe(ethers.id(cell(row, 'type')))
    expect(vectors.types.map((r) => [r.name, r.type])).toEqual(Object.entries(TYPE_STRINGS))
  })

  test.each(vectors.domains)('on the domain of chain $chainId', (row) => {
    expect(ethers.TypedDataEncoder.hashDomain(domain(row))).toBe(row.separator)
    expect(toHex(domainSeparator(BigInt(cell(row, 'chainId')), parseAddress(row.contract)))).toBe(row.separator)
  })

  test.each(vectors.tensors)('on raw tensor $name', (row) => {
    const values = openRaw(hex(row, 'raw')) ?? []
    const packed = ethers.solidityPacked(
      values.map(() => 'int256'),
      values,
    )
    expect(packed).toBe(row.raw)
    expect(ethers.keccak256(packed)).toBe(row.keccak)
  })

  test.each(vectors.commitments)('on commitments: $name', (row) => {
    // A list is hashed as EIP-712 hashes an array member: keccak256 of the concatenated struct hashes.
    const hashes = commitments(row).map((c) => hashStruct('Commitment', { ...c }))
    expect(ethers.keccak256(ethers.concat(hashes))).toBe(row.digest)
  })

  test.each(vectors.policies)('on policy $digest', (row) => {
    expect(ethers.id(cell(row, 'offchain'))).toBe(row.offchainDigest)
    expect(hashStruct('Policy', { ...row, offchain: row.offchainDigest })).toBe(row.digest)
  })

  test.each(vectors.requirements)('on requirement: $name', (row) => {
    const list = cells(row, 'tiers').map((tier, i) => ({ tier, policy: cells(row, 'policies')[i] }))
    expect(list.map((l) => hashStruct('Leaf', l))).toEqual(row.leaves)
    expect(hashStruct('Requirement', { leaves: list, formula: row.formula })).toBe(row.digest)
  })

  test.each(vectors.terms)('on terms $digest', (row) => {
    expect(hashStruct('Terms', { application: row.applicationDigest, settlement: row.settlement })).toBe(row.digest)
    expect(ethers.id(cell(row, 'application'))).toBe(row.applicationDigest)
  })

  test.each(vectors.requests)('on request: $name', (row) => {
    expect(ethers.TypedDataEncoder.hash(domain(row), { Request: structs.Request }, placed(row))).toBe(row.id)
  })

  test.each(vectors.claims)('on claim: $name', (row) => {
    expect(ethers.TypedDataEncoder.hash(domain(row), { Claim: structs.Claim }, placed(row))).toBe(row.digest)
    expect(ethers.recoverAddress(cell(row, 'digest'), cell(row, 'signature')).toLowerCase()).toBe(row.claimant)
    expect(new ethers.SigningKey(cell(row, 'privateKey')).sign(cell(row, 'digest')).serialized).toBe(row.signature)
  })
})
