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
  VS_EVM_OUT_OF_GAS: {
    title: 'The transaction used all the gas that it was given, and did nothing',
    remedy:
      'Send it again with a higher gasLimit, or without one: then it is estimated anew. An invalid instruction uses all gas too.',
  },
  VS_EVM_GAS_CAP: {
    title: 'The transaction needs more gas than one may use',
    remedy: 'Send less in one transaction; EIP-7825 allows 16,777,216 gas.',
  },
  VS_EVM_TRANSACTION_LOST: {
    title: 'The nonce was used, and no transaction that used it can be found',
    remedy:
      'Look at the account with another node. The journal keeps the transaction; sending it again with its key goes on waiting.',
  },
  VS_EVM_IDEMPOTENCY_CONFLICT: {
    title: 'The idempotency key was used for another transaction',
    remedy: 'Use one key for one piece of work, and the same recipient, data and value with it.',
  },
  VS_EVM_LANE_LOCKED: {
    title: 'Another process sends for this account',
    remedy:
      'Stop that process, or give this one another signer or journal directory. Where it ended in another container or on another host, and only then, remove the file that is named as the lock.',
  },
  VS_EVM_LANE_CLOSED: {
    title: 'The lane was closed',
    remedy: 'Open it again; what it had sent is in its journal.',
  },
  VS_EVM_JOURNAL_FAILED: {
    title: 'The journal can not be written',
    remedy: 'Check the disk, then start again; nothing is sent that is not written down.',
  },
  VS_EVM_JOURNAL_CORRUPT: {
    title: 'A line of the journal is not what was written there',
    remedy:
      'Restore the file. Without it the account may send again what was sent: move it away only when none of its keys will be used.',
  },
  VS_EVM_JOURNAL_MISMATCH: {
    title: 'The journal is that of another chain or account',
    remedy: 'Use a directory of its own for each chain; a local chain that starts anew is another chain.',
  },
  VS_EVM_REORG_TOO_DEEP: {
    title: 'The chain was reorganised deeper than is followed',
    remedy: 'Begin again from a block before the reorganisation, and take back what was concluded from later ones.',
  },
  VS_EVM_NO_FACTORY: {
    title: 'The chain has no deterministic deployment factory',
    remedy: 'Deploy 0x4e59b44847b379578588920cA78FbF26c0B4956C on it, or deploy the contract by other means.',
  },
  VS_EVM_CODE_DIFFERS: {
    title: 'The code on chain is not the expected one',
    remedy: 'Do not use this address; deploy with the same release, or update the deployment file.',
  },
  VS_EVM_INSTRUCTION: {
    title: 'The chain does not run an instruction of the contract',
    remedy: 'Use a chain whose EVM has the named instruction; this release needs Cancun.',
  },
  VS_EVM_CODE_SIZE: {
    title: 'The contract is larger than a chain takes',
    remedy: 'Make it smaller: EIP-170 allows 24,576 bytes of code, EIP-3860 49,152 bytes of init code.',
  },
  VS_EVM_ANVIL_MISSING: {
    title: 'The local chain is not installed',
    remedy: 'Install the optional peer dependency: npm install @foundry-rs/anvil@1.7.',
  },
  VS_EVM_KEY: {
    title: 'The key of an account can not be used',
    remedy: 'Compare the keystore and its password, or the key, with those of the account that was meant.',
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
