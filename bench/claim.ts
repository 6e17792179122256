import {
  type Claim,
  claimDigest,
  localSigner,
  type ProgramId,
  parseAddress,
  parseDigest,
  recoverSigner,
  requestId,
} from '@veristack/core'
import { medianMs, type Row, reported } from '../scripts/measure.ts'

/** The digests and signatures that every tier pays for. */
export async function* rows(progress: (text: string) => void): AsyncGenerator<Row> {
  const digest = parseDigest(`0x${'11'.repeat(32)}`, 'digest')
  const address = parseAddress(`0x${'22'.repeat(20)}`, 'address')
  const common = {
    program: digest as string as ProgramId,
    inputs: digest,
    requirement: digest,
    chainId: 1n,
    contract: address,
    expiresAt: 1n,
  }
  const request = { ...common, terms: digest, payer: address, priceWei: 1n, nonce: digest }
  const signer = localSigner(`0x${'33'.repeat(32)}`)
  const claim: Claim = { ...common, request: requestId(request), outputs: digest, claimant: signer.address }
  const signature = await signer.sign(claimDigest(claim))

  progress('request id, claim digest')
  yield reported('request id', await medianMs(() => requestId(request), { batch: 20 }), 'ms')
  yield reported('claim digest', await medianMs(() => claimDigest(claim), { batch: 20 }), 'ms')
  progress('signature')
  yield reported('sign', await medianMs(() => signer.sign(claimDigest(claim)), { batch: 5 }), 'ms')
  yield reported(
    'recover signer',
    await medianMs(() => recoverSigner(claimDigest(claim), signature), { batch: 5 }),
    'ms',
  )
}
