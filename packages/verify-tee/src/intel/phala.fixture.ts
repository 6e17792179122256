import { type Collateral, QuoteVerifier } from '@phala/dcap-qvl'
import type { IntelCollateral } from './index.ts'

/** The published JavaScript verifier: answers the TCB status, throws where it refuses. `root`: DER in place of Intel's. */
export function phalaVerifier(root?: Uint8Array) {
  const verifier = root === undefined ? QuoteVerifier.newProd() : QuoteVerifier.newWithRootCa(Buffer.from(root))
  return (quote: Uint8Array, collateral: IntelCollateral, now: bigint): string =>
    // It wants every field, and takes those that it does not have for errors of its own.
    verifier.verify(Buffer.from(quote), collateral as unknown as Collateral, Number(now)).status
}
