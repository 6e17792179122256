import { secp256k1 } from '@noble/curves/secp256k1.js'
import { ethers } from 'ethers'
import fc from 'fast-check'
import { type Claim, claimDigest, ephemeralSigner, localSigner, recoverSigner } from './claim.ts'
import { type Address, type Digest, fromHex, type Hex, type ProgramId, type RequestId, toHex } from './hex.ts'
import { type Request, requestId } from './request.ts'

const bytes = (n: number) => fc.uint8Array({ minLength: n, maxLength: n }).map(toHex)
const digests = bytes(32).map((h) => h as Digest)
const keys = fc
  .bigInt({ min: 1n, max: secp256k1.Point.CURVE().n - 1n })
  .map((k): Hex => `0x${k.toString(16).padStart(64, '0')}`)
const N = secp256k1.Point.CURVE().n

const claims: fc.Arbitrary<Claim> = fc.record({
  request: bytes(32).map((h) => h as RequestId),
  program: bytes(32).map((h) => h as ProgramId),
  inputs: digests,
  outputs: digests,
  requirement: digests,
  claimant: bytes(20).map((h) => h as Address),
  chainId: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  contract: bytes(20).map((h) => h as Address),
  expiresAt: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

const requests: fc.Arbitrary<Omit<Request, 'id'>> = fc.record({
  program: bytes(32).map((h) => h as ProgramId),
  inputs: digests,
  requirement: digests,
  terms: digests,
  payer: bytes(20).map((h) => h as Address),
  priceWei: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  nonce: bytes(32),
  chainId: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  contract: bytes(20).map((h) => h as Address),
  expiresAt: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

test('ethers signs and recovers the same', async () => {
  await fc.assert(
    fc.asyncProperty(keys, digests, async (key, digest) => {
      const signature = await localSigner(key).sign(digest)
      expect(signature).toBe(new ethers.SigningKey(key).sign(digest).serialized)
      expect(recoverSigner(digest, signature)).toBe(localSigner(key).address)
      expect(ethers.recoverAddress(digest, signature).toLowerCase()).toBe(localSigner(key).address)
    }),
    { numRuns: 25 },
  )
})

test('a high s is refused, though the curve accepts it', async () => {
  await fc.assert(
    fc.asyncProperty(keys, digests, async (key, digest) => {
      const signature = await localSigner(key).sign(digest)
      const s = BigInt(`0x${signature.slice(66, 130)}`)
      const high: Hex = `0x${signature.slice(2, 66)}${(N - s).toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}`
      const { v, r } = ethers.Signature.from(signature)
      expect(s <= N / 2n).toBe(true)
      expect([v, r]).toEqual([Number(`0x${signature.slice(130)}`), signature.slice(0, 66)])
      expect(recoverSigner(digest, high)).toBeUndefined()
    }),
    { numRuns: 25 },
  )
})

test('a changed byte never recovers to the signer', async () => {
  const signer = ephemeralSigner()
  await fc.assert(
    fc.asyncProperty(digests, fc.nat(64), fc.integer({ min: 1, max: 255 }), async (digest, at, mask) => {
      const changed = fromHex(await signer.sign(digest))
      changed[at] = (changed[at] ?? 0) ^ mask
      expect(recoverSigner(digest, toHex(changed))).not.toBe(signer.address)
    }),
    { numRuns: 50 },
  )
})

describe('malformed signatures recover to nobody', () => {
  const signer = localSigner(`0x${'11'.repeat(32)}`)
  const digest = toHex(new Uint8Array(32).fill(7)) as Digest
  const word = (n: bigint) => n.toString(16).padStart(64, '0')
  let good: Hex
  beforeAll(async () => {
    good = await signer.sign(digest)
  })

  test.each<[string, (good: Hex) => string]>([
    ['empty', () => '0x'],
    ['64 bytes', (s) => s.slice(0, -2)],
    ['66 bytes', (s) => `${s}00`],
    ['half a byte', (s) => s.slice(0, -1)],
    ['no hexadecimal', (s) => `${s.slice(0, -2)}zz`],
    ['v of 0', (s) => `${s.slice(0, -2)}00`],
    ['v of 1', (s) => `${s.slice(0, -2)}01`],
    ['v of 29', (s) => `${s.slice(0, -2)}1d`],
    ['r of 0', (s) => `0x${word(0n)}${s.slice(66)}`],
    ['s of 0', (s) => `${s.slice(0, 66)}${word(0n)}${s.slice(130)}`],
    ['r of the order', (s) => `0x${word(N)}${s.slice(66)}`],
    ['s of the order', (s) => `${s.slice(0, 66)}${word(N)}${s.slice(130)}`],
    ['all ones', () => `0x${'ff'.repeat(64)}1b`],
  ])('%s', (_, change) => {
    expect(recoverSigner(digest, good)).toBe(signer.address)
    expect(recoverSigner(digest, change(good) as Hex)).toBeUndefined()
  })

  test('the other v is another signer', () => {
    const other = `${good.slice(0, -2)}${good.endsWith('1b') ? '1c' : '1b'}` as Hex
    expect(recoverSigner(digest, other)).not.toBe(signer.address)
  })
})

test.each(['', '0x', `0x${'00'.repeat(32)}`, `0x${N.toString(16)}`, `0x${'5e'.repeat(31)}`, '5e'.repeat(32)])(
  'the private key %j is refused, and not repeated',
  (key) => {
    expect(() => localSigner(key as Hex)).toThrow(expect.objectContaining({ code: 'VS_CORE_INVALID_DATA' }))
    expect(() => localSigner(key as Hex)).not.toThrow('5e5e5e')
  },
)

/** A value of the same form that differs. */
const other = (value: string | bigint): string | bigint =>
  typeof value === 'bigint'
    ? value === 0n
      ? 1n
      : value - 1n
    : value.endsWith('0')
      ? `${value.slice(0, -1)}1`
      : `${value.slice(0, -1)}0`

test('every field of a claim is in its digest', () => {
  fc.assert(
    fc.property(claims, (claim) => {
      for (const [field, value] of Object.entries(claim)) {
        expect([field, claimDigest({ ...claim, [field]: other(value) })]).not.toEqual([field, claimDigest(claim)])
      }
    }),
    { numRuns: 20 },
  )
})

test('every field of a request is in its id', () => {
  fc.assert(
    fc.property(requests, (request) => {
      for (const [field, value] of Object.entries(request)) {
        expect([field, requestId({ ...request, [field]: other(value) })]).not.toEqual([field, requestId(request)])
      }
    }),
    { numRuns: 20 },
  )
})

test('integers that Solidity does not hold, and bytes of another length, have no digest', () => {
  const [claim] = fc.sample(claims, 1)
  const [request] = fc.sample(requests, 1)
  if (claim === undefined || request === undefined) throw new Error('no sample')
  const invalid = expect.objectContaining({ code: 'VS_CORE_INVALID_DATA' })
  expect(() => claimDigest({ ...claim, expiresAt: 2n ** 64n })).toThrow(invalid)
  expect(() => claimDigest({ ...claim, expiresAt: -1n })).toThrow(invalid)
  expect(() => claimDigest({ ...claim, chainId: 2n ** 256n })).toThrow(invalid)
  expect(() => claimDigest({ ...claim, outputs: '0x12' as Digest })).toThrow(invalid)
  expect(() => requestId({ ...request, priceWei: 2n ** 256n })).toThrow(invalid)
  expect(() => requestId({ ...request, priceWei: -1n })).toThrow(invalid)
  expect(() => requestId({ ...request, expiresAt: 2n ** 64n })).toThrow(invalid)
  expect(() => requestId({ ...request, nonce: '0x01' })).toThrow(invalid)
})

test.each([
  'priceWei',
  'chainId',
  'expiresAt',
  'program',
  'inputs',
  'requirement',
  'terms',
  'payer',
  'nonce',
  'contract',
])('a wrong %s of a request is named', (field) => {
  const [request] = fc.sample(requests, 1)
  if (request === undefined) throw new Error('no sample')
  for (const value of [5, -1n, 'bob', undefined])
    expect(() => requestId({ ...request, [field]: value })).toThrow(
      expect.objectContaining({
        code: 'VS_CORE_INVALID_DATA',
        details: expect.objectContaining({ field: `request.${field}` }),
      }),
    )
})
