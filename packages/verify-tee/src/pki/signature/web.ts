import { hashOf, type SignatureBackend, wellFormed } from './backend.ts'
import { toJwk } from './node.ts'

/** The Web Cryptography API of browsers, Deno, workers and Node. */
export function webBackend(): SignatureBackend | undefined {
  const subtle = globalThis.crypto?.subtle
  if (subtle === undefined) return undefined
  return {
    name: 'webcrypto',
    async verify(algorithm, key, message, signature) {
      if (!wellFormed(algorithm, key, signature)) return false
      const [imported, used] =
        key.type === 'rsa'
          ? [
              { name: 'RSA-PSS', hash: 'SHA-384' },
              { name: 'RSA-PSS', saltLength: 48 },
            ]
          : [
              { name: 'ECDSA', namedCurve: key.curve },
              { name: 'ECDSA', hash: hashOf(algorithm) === 'sha256' ? 'SHA-256' : 'SHA-384' },
            ]
      try {
        const handle = await subtle.importKey('jwk', toJwk(key), imported, false, ['verify'])
        return await subtle.verify(used, handle, copy(signature), copy(message))
      } catch {
        return false
      }
    },
  }
}

/** Views over shared buffers are not taken. */
const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
