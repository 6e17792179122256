import type { SignatureBackend } from './backend.ts'
import { nobleBackend } from './noble.ts'
import { nodeBackend } from './node.ts'

export type { PublicKey, SignatureAlgorithm, SignatureBackend } from './backend.ts'
export { FIELD_BYTES } from './backend.ts'
export { nobleBackend } from './noble.ts'
export { nodeBackend } from './node.ts'
export { webBackend } from './web.ts'

/** node:crypto where there is one, else @noble/curves; the same one every time. */
export function defaultBackend(): SignatureBackend {
  standard ??= nodeBackend() ?? nobleBackend
  return standard
}

let standard: SignatureBackend | undefined
