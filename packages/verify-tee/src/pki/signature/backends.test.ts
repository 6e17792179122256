import { constants, createPublicKey, sign } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { type Key, makeKey, publicKeyOf, signWith } from '../authority.fixture.ts'
import { nobleBackend, nodeBackend, type PublicKey, type SignatureAlgorithm, webBackend } from './index.ts'
import { verifyPss } from './rsa-pss.ts'

const backends = [nobleBackend, nodeBackend(), webBackend()].filter((backend) => backend !== undefined)
const message = new TextEncoder().encode('a message')

/** What all three say, of a key that they may know and of one that they never saw. */
async function verdict(algorithm: SignatureAlgorithm, key: PublicKey, text: Uint8Array, signature: Uint8Array) {
  const answers = await Promise.all(
    backends.flatMap((backend) => [key, { ...key }].map((k) => backend.verify(algorithm, k, text, signature))),
  )
  expect(answers).toEqual(answers.map(() => answers[0]))
  return answers[0]
}

test('there are three here', () => expect(backends.map(({ name }) => name)).toEqual(['noble', 'node', 'webcrypto']))

describe.each([
  { algorithm: 'ecdsa-p256-sha256', curve: p256, name: 'P-256', size: 32 },
  { algorithm: 'ecdsa-p384-sha384', curve: p384, name: 'P-384', size: 48 },
  { algorithm: 'ecdsa-p384-sha256', curve: p384, name: 'P-384', size: 48 },
] as const)('$algorithm', ({ algorithm, curve, name, size }) => {
  const key = makeKey(algorithm)
  const spki = publicKeyOf(key)
  if (spki.type !== 'ec') throw new Error('another key')
  const { point } = spki
  const order = curve.Point.Fn.ORDER
  const field = curve.Point.Fp.ORDER
  const wide = (n: bigint) => hexToBytes(n.toString(16).padStart(2 * size, '0'))
  const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const honest = signWith(key, message)
  const [r, s] = [honest.subarray(0, size), honest.subarray(size)]
  const largest = 2n ** BigInt(8 * size) - 1n

  // From some right signatures on, noble works with a table of the key's multiples.
  beforeAll(async () => {
    for (let i = 0; i < 10; i++) {
      const text = Uint8Array.of(i)
      expect(await nobleBackend.verify(algorithm, spki, text, signWith(key, text))).toBe(true)
    }
  })

  test('random messages and keys', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (text, fresh) => {
        const by = fresh ? makeKey(algorithm) : key
        const signature = signWith(by, text)
        const known = fresh ? publicKeyOf(by) : spki
        expect(await verdict(algorithm, known, text, signature)).toBe(true)
        expect(await verdict(algorithm, known, concatBytes(text, Uint8Array.of(0)), signature)).toBe(false)
      }),
      { numRuns: 15 },
    )
  })

  test('both s are accepted: attestation keys do not choose the low one', async () => {
    const mirrored = concatBytes(r, wide(order - number(s)))
    expect(await verdict(algorithm, spki, message, honest)).toBe(true)
    expect(await verdict(algorithm, spki, message, mirrored)).toBe(true)
  })

  test.each<readonly [string, Uint8Array]>([
    ['r = 0', concatBytes(wide(0n), s)],
    ['s = 0', concatBytes(r, wide(0n))],
    ['both zero', new Uint8Array(2 * size)],
    ['r = n', concatBytes(wide(order), s)],
    ['s = n', concatBytes(r, wide(order))],
    ['r = n + 1', concatBytes(wide(order + 1n), s)],
    ['r = 2^k - 1', concatBytes(wide(largest), s)],
    ['s = 2^k - 1', concatBytes(r, wide(largest))],
    ['r = s = 1', concatBytes(wide(1n), wide(1n))],
    ['exchanged', concatBytes(s, r)],
    ['a byte short', honest.subarray(1)],
    ['a byte long', concatBytes(honest, Uint8Array.of(0))],
    ['a zero before it', concatBytes(Uint8Array.of(0), honest)],
    ['empty', new Uint8Array(0)],
    ['DER', signWith(key, message, 'der')],
    ['another key’s', signWith(makeKey(algorithm), message)],
  ])('a signature: %s', async (_, signature) => {
    expect(await verdict(algorithm, spki, message, signature)).toBe(false)
  })

  test('s + n where it still fits, is not s', async () => {
    // Only a small s leaves room for it; the sum is out of range in any case.
    const [x, y] = [wide(largest), wide(number(s))]
    expect(await verdict(algorithm, spki, message, concatBytes(y, x))).toBe(false)
  })

  test.each<readonly [string, Uint8Array]>([
    ['off the curve', point.with(point.length - 1, (point.at(-1) ?? 0) ^ 1)],
    ['at zero', Uint8Array.of(4, ...new Uint8Array(2 * size))],
    ['x ≥ p', concatBytes(Uint8Array.of(4), wide(field), point.subarray(1 + size))],
    ['x and y ≥ p', concatBytes(Uint8Array.of(4), wide(largest), wide(largest))],
    ['compressed', concatBytes(Uint8Array.of(2), point.subarray(1, 1 + size))],
    ['hybrid', point.with(0, 6)],
    ['infinity', Uint8Array.of(0)],
    ['a byte short', point.subarray(0, -1)],
    ['a byte long', concatBytes(point, Uint8Array.of(0))],
    ['empty', new Uint8Array(0)],
  ])('a point: %s', async (_, wrong) => {
    expect(await verdict(algorithm, { type: 'ec', curve: name, point: wrong }, message, honest)).toBe(false)
  })

  test('the other algorithm, curve or kind of key', async () => {
    const twin = algorithm === 'ecdsa-p256-sha256' ? 'ecdsa-p384-sha384' : 'ecdsa-p256-sha256'
    expect(await verdict(twin, spki, message, honest)).toBe(false)
    const otherDigest = algorithm === 'ecdsa-p384-sha384' ? 'ecdsa-p384-sha256' : 'ecdsa-p384-sha384'
    expect(await verdict(otherDigest, spki, message, honest)).toBe(false)
    expect(await verdict('rsa-pss-sha384', spki, message, honest)).toBe(false)
    expect(
      await verdict(algorithm, { type: 'ec', curve: name === 'P-256' ? 'P-384' : 'P-256', point }, message, honest),
    ).toBe(false)
  })

  test('any bit of signature or message', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * (honest.length + message.length) - 1), async (bit) => {
        const both = concatBytes(honest, message)
        both[bit >> 3] = (both[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const [signature, text] = [both.subarray(0, honest.length), both.subarray(honest.length)]
        expect(await verdict(algorithm, spki, text, signature)).toBe(false)
      }),
      { numRuns: 25 },
    )
  })
})

describe('RSA-PSS, against OpenSSL', () => {
  // 2049 and 2055 bits: the encoded message begins elsewhere in its first byte, or is a byte shorter.
  const keys = [2048, 3072].map((bits) => makeKey('rsa-pss-sha384', bits))
  const odd = [2049, 2055].map((bits) => makeKey('rsa-pss-sha384', bits))
  const [key] = keys
  if (key === undefined) throw new Error('no key')
  const spki = publicKeyOf(key)
  const modulusOf = ({ spki: der }: Key) => {
    const jwk = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }).export({ format: 'jwk' })
    return new Uint8Array(Buffer.from(jwk.n ?? '', 'base64url'))
  }
  const honest = signWith(key, message)
  const signed = (saltLength: number, hash = 'sha384', padding = constants.RSA_PKCS1_PSS_PADDING) =>
    new Uint8Array(
      sign(hash, message, {
        key: key.secret,
        padding,
        ...(padding === constants.RSA_PKCS1_PSS_PADDING ? { saltLength } : {}),
      }),
    )

  test('random messages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.uint8Array({ maxLength: 300 }), async (by, text) => {
        const signature = signWith(by, text)
        expect(await verdict('rsa-pss-sha384', publicKeyOf(by), text, signature)).toBe(true)
        expect(await verdict('rsa-pss-sha384', publicKeyOf(by), concatBytes(text, Uint8Array.of(0)), signature)).toBe(
          false,
        )
      }),
      { numRuns: 15 },
    )
  })

  test.each([
    ['no salt', signed(0)],
    ['32 bytes of salt', signed(32)],
    ['47 bytes of salt', signed(47)],
    ['49 bytes of salt', signed(49)],
    ['as much salt as there is room for', signed(constants.RSA_PSS_SALTLEN_MAX_SIGN)],
    ['SHA-256', signed(48, 'sha256')],
    ['SHA-512', signed(48, 'sha512')],
    ['PKCS#1 v1.5', signed(0, 'sha384', constants.RSA_PKCS1_PADDING)],
    ['zero', new Uint8Array(256)],
    ['one', new Uint8Array(256).with(255, 1)],
    ['all ones, above the modulus', new Uint8Array(256).fill(255)],
    ['a byte short', honest.subarray(1)],
    ['a byte long', concatBytes(Uint8Array.of(0), honest)],
    ['empty', new Uint8Array(0)],
  ])('a signature with %s is refused', async (_, signature) => {
    expect(await verdict('rsa-pss-sha384', spki, message, signature)).toBe(false)
  })

  test('a signature plus the modulus is refused where it still fits', async () => {
    const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
    const modulus = modulusOf(key)
    let signature = honest
    for (let i = 0; i < 200 && big(signature) + big(modulus) >= 2n ** 2048n; i++) signature = signWith(key, message)
    const sum = big(signature) + big(modulus)
    if (sum >= 2n ** 2048n) return
    expect(await verdict('rsa-pss-sha384', spki, message, hexToBytes(sum.toString(16)))).toBe(false)
  })

  test('an even modulus is no key, even where the arithmetic would come out', async () => {
    const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
    const wide = (n: bigint) => hexToBytes(n.toString(16).padStart(512, '0'))
    const power = (base: bigint, exponent: bigint, m: bigint): bigint =>
      exponent === 0n ? 1n : (power((base * base) % m, exponent >> 1n, m) * (exponent & 1n ? base : 1n)) % m
    const encoded = power(big(honest), 65537n, big(modulusOf(key)))
    const half = makeKey('rsa-pss-sha384', 2047)
    const m = big(modulusOf(half))
    const root = power(encoded % m, big(Buffer.from(half.secret.export({ format: 'jwk' }).d ?? '', 'base64url')), m)
    // What is encoded is even.
    const signature = wide(root % 2n === 0n ? root : root + m)
    expect(power(big(signature), 65537n, 2n * m)).toBe(encoded)
    const even = { type: 'rsa', modulus: wide(2n * m), exponent: 65537n } as const
    expect(verifyPss(even.modulus, 65537n, message, signature)).toBe(true)
    expect(await verdict('rsa-pss-sha384', even, message, signature)).toBe(false)
  })

  test('any bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * 256 - 1), async (bit) => {
        const copy = honest.slice()
        copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await verdict('rsa-pss-sha384', spki, message, copy)).toBe(false)
      }),
      { numRuns: 25 },
    )
  })

  test('the arithmetic is right for moduli of any number of bits', () => {
    for (const by of [...odd, ...keys])
      for (let i = 0; i < 3; i++) {
        const text = Uint8Array.of(i)
        const signature = signWith(by, text)
        expect(verifyPss(modulusOf(by), 65537n, text, signature)).toBe(true)
        expect(verifyPss(modulusOf(by), 65537n, Uint8Array.of(i + 1), signature)).toBe(false)
      }
  })

  test('small, odd and strange keys are refused', async () => {
    const small = makeKey('rsa-pss-sha384', 1024)
    expect(await verdict('rsa-pss-sha384', publicKeyOf(small), message, signWith(small, message))).toBe(false)
    const modulus = modulusOf(key)
    for (const exponent of [0n, 1n, 2n, 3n, 65539n])
      expect(await verdict('rsa-pss-sha384', { type: 'rsa', modulus, exponent }, message, honest)).toBe(false)
    // With an exponent of 1, anything would be its own signature.
    for (const wrong of [
      new Uint8Array(256),
      new Uint8Array(0),
      concatBytes(Uint8Array.of(0), modulus),
      modulus.subarray(1),
    ])
      expect(await verdict('rsa-pss-sha384', { type: 'rsa', modulus: wrong, exponent: 65537n }, message, honest)).toBe(
        false,
      )
    expect(await verdict('ecdsa-p384-sha384', spki, message, honest)).toBe(false)
  })
})
