import { type Claim, claimDigest, localSigner } from '../claim.ts'
import { type Commitment, commitmentsDigest, RAW_LIMIT, RAW_SCHEME, rawCommitment } from '../commitment.ts'
import { domainSeparator, keccak, keccakText, TYPE_STRINGS } from '../eip712.ts'
import {
  type Address,
  type Digest,
  fromHex,
  type Hex,
  type ProgramId,
  toHex,
  ZERO_ADDRESS,
  ZERO_DIGEST,
} from '../hex.ts'
import { canonicalJson, type Json, jsonDigest } from '../json.ts'
import { type Request, requestId, type Terms, termsDigest } from '../request.ts'
import {
  leafHash,
  leaves,
  offchainPolicy,
  type Policy,
  policyDigest,
  type Requirement,
  requirementDigest,
  requirementFormula,
} from '../requirement.ts'
import { ELEMENT_BYTES, type ElementType, integerRange, isIntegerType, tensor } from '../tensor.ts'

const digestOf = (text: string): Digest => toHex(keccakText(text)) as Digest
const texts = (fields: object): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, String(v)]))

const MAX_U64 = (1n << 64n) - 1n
const MAX_U256 = (1n << 256n) - 1n
const MAX_ADDRESS = `0x${'ff'.repeat(20)}` as Address
const CONTRACT = '0x5fbdb2315678afecb367f032d93f642f64180aa3' as Address
const PAYER = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266' as Address
const VERIFIER = '0xe7f1725e7734ce288f8367e1bb143e90bb3f0512' as Address
const MAX_DIGEST = `0x${'ff'.repeat(32)}` as Digest

const domains: readonly (readonly [bigint, Address])[] = [
  [1n, CONTRACT],
  [0n, ZERO_ADDRESS],
  [31337n, CONTRACT],
  [MAX_U256, MAX_ADDRESS],
]

const INTEGER_TYPES = (Object.keys(ELEMENT_BYTES) as ElementType[]).filter(isIntegerType)

const tensors = [
  tensor('label', 'int64', [1], [42n]),
  tensor('scalar', 'uint8', [], [255]),
  tensor('empty', 'int32', [0, 5], []),
  tensor('rank-8', 'int16', [1, 1, 2, 1, 1, 2, 1, 1], [-1, 0, 1, -32768]),
  ...INTEGER_TYPES.map((type) => tensor(`extremes-of-${type}`, type, [1, 3], [...integerRange(type), 1n])),
  tensor(
    'largest',
    'uint16',
    [RAW_LIMIT],
    Array.from({ length: RAW_LIMIT }, (_, i) => (i * 40503) % 65536),
  ),
]

const label: Commitment = {
  tensor: 'int64[1]:label',
  scheme: RAW_SCHEME,
  value: rawCommitment(tensor('label', 'int64', [1], [42n])),
}
const logits: Commitment = { tensor: 'int32[1x77]:logits', scheme: 'poseidon-bn254/v1', value: digestOf('a field element') }

const commitmentLists: readonly (readonly [string, readonly Commitment[]])[] = [
  ['one raw value', [label]],
  ['two', [label, logits]],
  ['the same two in the other order', [logits, label]],
  ['one entry for several tensors', [{ ...logits, tensor: 'int32[1x77]:logits,int64[1]:label' }]],
  ['an ONNX name', [{ ...label, tensor: 'int64[1]:model/head.0[1]:0' }]],
  ['an empty value', [{ tensor: 'x', scheme: RAW_SCHEME, value: '0x' }]],
  ['a value of one byte', [{ tensor: 'x', scheme: 'acme/one-byte', value: '0x00' }]],
  ['empty names', [{ tensor: '', scheme: '', value: '0x' }]],
  ['unicode names', [{ tensor: 'Größe/尺寸 🜁', scheme: 'схема/v1', value: '0xff' }]],
  ['a raw value of 64 words', [{ tensor: 'long', scheme: RAW_SCHEME, value: `0x${'ff'.repeat(32 * 64)}` }]],
  ['none', []],
]

const policies: readonly Policy[] = [
  offchainPolicy('zkml', null),
  offchainPolicy('zkml', {}),
  offchainPolicy('tee', { measurements: [digestOf('a measurement')], tcb: ['UpToDate', 'SWHardeningNeeded'] }),
  offchainPolicy('acme/quorum', { of: 3, k: 2 }),
  offchainPolicy('Übertier 🜁', {
    ключ: 'значение',
    b: '\u20ac$\u000f\nA\'B"\\\\"/',
    a: [1e21, 0.1, -0, 1e-7, 333333333.3333333],
  }),
  { tier: 'zkml', verifier: VERIFIER, codeHash: digestOf('code'), params: '0x', offchain: null },
  { tier: 'zkml', verifier: VERIFIER, codeHash: digestOf('code'), params: '0x00', offchain: null },
  {
    tier: 'optimistic',
    verifier: MAX_ADDRESS,
    codeHash: MAX_DIGEST,
    params: `0x${'5a'.repeat(257)}`,
    offchain: { window: 604800 },
  },
]

const leaf = (tier: string, policy: string) => ({ tier, policy: digestOf(policy) })
const zkml = leaf('zkml', 'zkml policy')
const tee = leaf('tee', 'tee policy')
const optimistic = leaf('optimistic', 'optimistic policy')
const many = Array.from({ length: 8 }, (_, i) => leaf(`tier ${i}`, `policy ${i}`))
const [first = zkml, ...others] = many

const requirements: readonly (readonly [string, Requirement])[] = [
  ['a leaf', zkml],
  ['a leaf with a zero policy', { tier: 'zkml', policy: ZERO_DIGEST }],
  ['a leaf of a unicode tier', leaf('Übertier 🜁', 'x')],
  ['all of one', { all: [zkml] }],
  ['any of one', { any: [zkml] }],
  ['one of one', { atLeast: 1, of: [zkml] }],
  ['groups of one inside', { any: [{ all: [zkml] }, { atLeast: 1, of: [{ any: [optimistic] }] }] }],
  ['all of two', { all: [zkml, tee] }],
  ['all of two in the other order', { all: [tee, zkml] }],
  ['any of two', { any: [zkml, tee] }],
  ['two of three', { atLeast: 2, of: [zkml, tee, optimistic] }],
  ['the same leaf twice', { atLeast: 2, of: [zkml, { any: [zkml, tee] }] }],
  ['one tier under two policies', { any: [zkml, leaf('zkml', 'another policy')] }],
  ['eight leaves', { all: many }],
  ['five of eight', { atLeast: 5, of: many }],
  [
    'nested groups',
    {
      any: [
        { all: [zkml, { atLeast: 2, of: [tee, optimistic, zkml] }] },
        { all: [tee, { any: [optimistic, leaf('acme/quorum', 'q')] }] },
      ],
    },
  ],
  ['eight deep', [1, 2, 3, 4, 5, 6, 7, 8].reduce<Requirement>((inner) => ({ all: [inner] }), zkml)],
  [
    'eight leaves in nested groups',
    {
      atLeast: 3,
      of: [{ all: [first, ...others.slice(0, 3)] }, { any: others.slice(3, 5) }, ...others.slice(5), { any: [first] }],
    },
  ],
]

const termsCases: readonly Terms[] = [
  { application: null, settlement: ZERO_DIGEST },
  { application: {}, settlement: ZERO_DIGEST },
  {
    application: { featuriser: digestOf('featuriser'), labels: ['activate_my_card', 'zażółć'] },
    settlement: digestOf('terms'),
  },
  {
    application: {
      b: 1,
      a: { '€': 'x', '\r': 'y', '1': 'z', '😂': 'emoji', דּ: 'hebrew', '\u0080': 'control', ö: 'latin' },
    },
    settlement: MAX_DIGEST,
  },
]

const plain: Omit<Request, 'id'> = {
  program: digestOf('program') as Hex as ProgramId,
  inputs: commitmentsDigest([label]),
  requirement: requirementDigest(zkml),
  terms: termsDigest({ application: null, settlement: ZERO_DIGEST }),
  payer: PAYER,
  priceWei: 1_000_000_000_000_000n,
  nonce: digestOf('nonce'),
  chainId: 31337n,
  contract: CONTRACT,
  expiresAt: 1_800_000_000n,
}

const requestCases: readonly (readonly [string, Omit<Request, 'id'>])[] = [
  ['plain', plain],
  ['not settled', { ...plain, chainId: 0n, contract: ZERO_ADDRESS, priceWei: 0n }],
  ['another nonce', { ...plain, nonce: digestOf('another nonce') }],
  ['another chain', { ...plain, chainId: 1n }],
  ['another contract', { ...plain, contract: VERIFIER }],
  [
    'all zero',
    {
      program: ZERO_DIGEST as Hex as ProgramId,
      inputs: ZERO_DIGEST,
      requirement: ZERO_DIGEST,
      terms: ZERO_DIGEST,
      payer: ZERO_ADDRESS,
      priceWei: 0n,
      nonce: ZERO_DIGEST,
      chainId: 0n,
      contract: ZERO_ADDRESS,
      expiresAt: 0n,
    },
  ],
  [
    'all greatest',
    {
      program: MAX_DIGEST as Hex as ProgramId,
      inputs: MAX_DIGEST,
      requirement: MAX_DIGEST,
      terms: MAX_DIGEST,
      payer: MAX_ADDRESS,
      priceWei: MAX_U256,
      nonce: MAX_DIGEST,
      chainId: MAX_U256,
      contract: MAX_ADDRESS,
      expiresAt: MAX_U64,
    },
  ],
]

/** The first key is of a well-known development mnemonic, the others are the least and the greatest of the curve. */
const KEYS: readonly Hex[] = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  `0x${'00'.repeat(31)}01`,
  '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140',
]

const claimCases = KEYS.flatMap((privateKey, key) =>
  requestCases.map(([name, r]) => ({
    name: `${name}, key ${key}`,
    privateKey,
    claim: {
      request: requestId(r),
      program: r.program,
      inputs: r.inputs,
      outputs: commitmentsDigest([label, logits]),
      requirement: r.requirement,
      claimant: localSigner(privateKey).address,
      chainId: r.chainId,
      contract: r.contract,
      expiresAt: r.expiresAt,
    } satisfies Claim,
  })),
)

/**
 * The inputs of the vectors. Everything in the result is text, or an array of text: integers in decimal, bytes in
 * hexadecimal, free JSON as its canonical text.
 */
export async function claimVectors() {
  const claims = await Promise.all(
    claimCases.map(async ({ name, privateKey, claim }) => ({
      name,
      ...texts(claim),
      privateKey,
      digest: claimDigest(claim),
      signature: await localSigner(privateKey).sign(claimDigest(claim)),
    })),
  )
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
      keccak: toHex(keccak(fromHex(rawCommitment(t)))),
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
      requirement: canonicalJson(JSON.parse(JSON.stringify(r)) as Json),
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
    requests: requestCases.map(([name, r]) => ({ name, ...texts(r), id: requestId(r) })),
    claims,
  }
}
