import { defineErrors } from '@veristack/core/receipt'

/** Every error that this package raises. */
export const fail = defineErrors({
  VS_SETTLE_INVALID_OPTION: {
    title: 'An option of evm(), of its terms or of veristack deploy can not be used',
    remedy: 'Compare the named option with its documented values.',
  },
  VS_SETTLE_NOT_STARTED: {
    title: 'The settler is not started',
    remedy: 'Use it through createStack(), which starts its plugins, and not after the stack was closed.',
  },
  VS_SETTLE_NO_SIGNER: {
    title: 'There is no account to send transactions from',
    remedy:
      'Pass evm({ signer }): a private key, or an account of your own. `veristack deploy` takes --signer-file, --keystore or VERISTACK_SIGNER_KEY.',
  },
  VS_SETTLE_VERIFIER_ABSENT: {
    title: 'The verifier contract is not on this chain',
    remedy: 'Pass evm({ deployVerifiers: true }) to deploy it from the signer.',
  },
  VS_SETTLE_REQUEST_MISMATCH: {
    title: 'The request is not one that this settler can place',
    remedy: 'Make it with the chain, contract, payer and terms that the settler states.',
  },
  VS_SETTLE_NO_SHARED_COMMITMENT: {
    title: 'Tiers of the requirement need different commitments, so that no claim could serve them together',
    remedy: 'State what each prover commits to, and compose tiers that commit to the same lists of inputs and outputs.',
  },
  VS_SETTLE_ALLOWANCE: {
    title: 'The settlement contract may not take price and tip from the payer',
    remedy: 'Call approve({ token, amount }) with price and tip first, or use placeRequestWithPermit().',
  },
  VS_SETTLE_BALANCE: {
    title: 'The payer does not have price and tip in the token',
    remedy: 'Send the payer the missing amount of the token, in its smallest unit.',
  },
  VS_SETTLE_PERMIT_UNSUPPORTED: {
    title: 'The token takes no permit by EIP-2612',
    remedy: 'Give an allowance with approve(), then use placeRequest().',
  },
  VS_SETTLE_PERMIT_INVALID: {
    title: 'The permit can not be used',
    remedy: 'Have the payer sign another one with signPermit(), for this order, with a deadline that has not passed.',
  },
  VS_SETTLE_NOT_REQUESTED: {
    title: 'The request is not on chain',
    remedy: 'Escrow it first: settler.prepare().',
  },
  VS_SETTLE_ANSWER_UNAVAILABLE: {
    title: 'The node does not give the answer that the contract holds the digest of',
    remedy: 'Ask through another RPC node, one that keeps the events since the request.',
  },
  VS_SETTLE_TAKEN: {
    title: 'The request was decided for another claim',
    remedy: 'Read getResult(); this claim is not paid, and can not be.',
  },
  VS_SETTLE_TOO_MANY_PENDING: {
    title: 'As many claims wait for their verifier as the contract lets wait for one request',
    remedy:
      'Submit again before the deadline: a place comes free where a claim is finalized. Anybody may finalize one.',
  },
  VS_SETTLE_DROPPED: {
    title: 'The verifier took back what it had left undecided',
    remedy:
      'Read the verifier for its reason; this evidence is not paid. Other evidence may be submitted until the deadline.',
  },
  VS_SETTLE_REFUNDED: {
    title: 'The request was refunded',
    remedy: 'Make a new request; a refund is final.',
  },
  VS_SETTLE_NO_EVIDENCE: {
    title: 'The receipt has no evidence that this chain can check',
    remedy: 'Add the plugin whose on-chain adapter serves the required tier, and prove before settling.',
  },
  VS_SETTLE_DEPLOYMENT_INVALID: {
    title: 'The deployment file does not have the expected form',
    remedy:
      'Take the file as `veristack deploy` wrote it, or run it again: what stands on the chain is not sent again.',
  },
  VS_SETTLE_DEPLOYMENT_DIFFERS: {
    title: 'The deployment is not the one that this release and the chain have',
    remedy: 'Use the release and the chain that it was written for, or run `veristack deploy` again with this release.',
  },
  VS_SETTLE_FILE: {
    title: 'A file can not be read or written',
    remedy: 'Check that the path exists and is what the option asks for.',
  },
  VS_SETTLE_KEY_EXPOSED: {
    title: 'A key can be read by others',
    remedy: 'Treat it as known: use another account, and keep its key in a file that only you may read (chmod 600).',
  },
  VS_SETTLE_KEY_INVALID: {
    title: 'This is not a private key',
    remedy: 'Write the key alone into the file or the variable: 64 hexadecimal digits.',
  },
  VS_SETTLE_INSUFFICIENT_FUNDS: {
    title: 'The account can not pay for the deployment',
    remedy: 'Send it the missing amount, or lower --max-fee-per-gas-wei and wait.',
  },
})
