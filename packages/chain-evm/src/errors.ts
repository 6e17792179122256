import { defineErrors } from '@veristack/core/receipt'

/** Every error that this package raises. */
export const fail = defineErrors({
  VS_EVM_UNREACHABLE: {
    title: 'The chain does not answer',
    remedy: 'Check the RPC URL and that the node behind it runs.',
  },
  VS_EVM_RPC: {
    title: 'The chain refused a call',
    remedy: 'Read the reason that the node gave.',
  },
  VS_EVM_WRONG_CHAIN: {
    title: 'The RPC serves another chain than the configured one',
    remedy: 'Pass the URL of the chain that was meant, or change the network.',
  },
  VS_EVM_REVERTED: {
    title: 'A contract refused the call',
    remedy: "Look the named error up in the contract's list of reverts.",
  },
  VS_EVM_GAS_CAP: {
    title: 'The transaction needs more gas than one may use',
    remedy: 'Send less in one transaction; EIP-7825 allows 16,777,216 gas.',
  },
  VS_EVM_TRANSACTION_LOST: {
    title: 'Another transaction took the nonce',
    remedy:
      'Use a signer for one process only, look at the state of the contract, and send again if it is still needed.',
  },
  VS_EVM_NO_FACTORY: {
    title: 'The chain has no deterministic deployment factory',
    remedy: 'Deploy 0x4e59b44847b379578588920cA78FbF26c0B4956C on it, or deploy the contract by other means.',
  },
  VS_EVM_CODE_DIFFERS: {
    title: 'The code on chain is not the expected one',
    remedy: 'Do not use this address; deploy with the same release, or update the deployment file.',
  },
  VS_EVM_ANVIL_MISSING: {
    title: 'The local chain is not installed',
    remedy: 'Install the optional peer dependency: npm install @foundry-rs/anvil@1.7.',
  },
  VS_EVM_ANVIL_FAILED: {
    title: 'The local chain did not start',
    remedy: 'Read its last lines; check that a port of 127.0.0.1 may be opened.',
  },
  VS_EVM_INVALID_OPTION: {
    title: 'An option can not be used',
    remedy: 'Compare the named option with its documented values.',
  },
})
