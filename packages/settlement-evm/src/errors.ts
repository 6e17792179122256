import { defineErrors } from '@veristack/core/receipt'

/** Every error that this package raises. */
export const fail = defineErrors({
  VS_SETTLE_INVALID_OPTION: {
    title: 'An option of evm() or of its terms can not be used',
    remedy: 'Compare the named option with its documented values.',
  },
  VS_SETTLE_NOT_STARTED: {
    title: 'The settler is not started',
    remedy: 'Use it through createStack(), which starts its plugins, and not after the stack was closed.',
  },
  VS_SETTLE_NO_SIGNER: {
    title: 'There is no account to send transactions from',
    remedy: 'Pass evm({ signer }): a private key, or an account of your own.',
  },
  VS_SETTLE_VERIFIER_ABSENT: {
    title: 'The verifier contract is not on this chain',
    remedy: 'Pass evm({ deployVerifiers: true }) to deploy it from the signer.',
  },
  VS_SETTLE_REQUEST_MISMATCH: {
    title: 'The request is not one that this settler can place',
    remedy: 'Make it with the chain, contract, payer and terms that the settler states.',
  },
  VS_SETTLE_NOT_REQUESTED: {
    title: 'The request is not on chain',
    remedy: 'Escrow it first: settler.prepare().',
  },
  VS_SETTLE_TAKEN: {
    title: 'The request was decided for another claim',
    remedy: 'Read getResult(); this claim is not paid, and can not be.',
  },
  VS_SETTLE_REFUNDED: {
    title: 'The request was refunded',
    remedy: 'Make a new request; a refund is final.',
  },
  VS_SETTLE_NO_EVIDENCE: {
    title: 'The receipt has no evidence that this chain can check',
    remedy: 'Add the plugin whose on-chain adapter serves the required tier, and prove before settling.',
  },
})
