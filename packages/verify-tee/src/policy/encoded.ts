import * as z from 'zod'
import type { Encoded } from '../pki/index.ts'

/** A part of collateral; a copy: nobody changes it while it is judged. */
export const encoded = z
  .custom<Encoded>((value) => typeof value === 'string' || value instanceof Uint8Array, 'bytes or text')
  .transform((given) => (typeof given === 'string' ? given : new Uint8Array(given)))
