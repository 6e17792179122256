import { FIELD_BYTES, hashOf, type PublicKey, type SignatureBackend, wellFormed } from './backend.ts'

type Crypto = typeof import('node:crypto')

/** What OpenSSL made of a key, by object: those of issuers stay. */
const imported = new WeakMap<PublicKey, import('node:crypto').KeyObject>()

/** OpenSSL through node:crypto. Absent where there is none; no import names it, so bundles for browsers stay free of it. */
export function nodeBackend(): SignatureBackend | undefined {
  const crypto = nodeCrypto()
  if (crypto === undefined) return undefined
  return {
    name: 'node',
    verify(algorithm, key, message, signature) {
      if (!wellFormed(algorithm, key, signature)) return false
      try {
        const object = imported.get(key) ?? crypto.createPublicKey({ key: toJwk(key), format: 'jwk' })
        imported.set(key, object)
        return key.type === 'rsa'
          ? crypto.verify(
              'sha384',
              message,
              { key: object, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 },
              signature,
            )
          : crypto.verify(hashOf(algorithm), message, { key: object, dsaEncoding: 'ieee-p1363' }, signature)
      } catch {
        return false
      }
    },
  }
}

function nodeCrypto(): Crypto | undefined {
  const host: unknown = Reflect.get(globalThis, 'process')
  if (typeof host !== 'object' || host === null) return undefined
  const load: unknown = Reflect.get(host, 'getBuiltinModule')
  return typeof load === 'function' ? (load.call(host, 'node:crypto') as Crypto) : undefined
}

export function toJwk(key: PublicKey): { kty: string; crv?: string; x?: string; y?: string; n?: string; e?: string } {
  if (key.type === 'rsa') return { kty: 'RSA', n: base64Url(key.modulus), e: 'AQAB' }
  const size = FIELD_BYTES[key.curve]
  return {
    kty: 'EC',
    crv: key.curve,
    x: base64Url(key.point.subarray(1, 1 + size)),
    y: base64Url(key.point.subarray(1 + size)),
  }
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
