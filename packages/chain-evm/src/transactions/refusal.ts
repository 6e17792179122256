/** What a node that refuses a raw transaction says of it. `unclear` says nothing of its future: it is handed in again. */
export type Judgement = 'has it' | 'refused' | 'unclear'

export interface Refusal {
  /** JSON-RPC error code. */
  readonly code: number
  readonly message: string
}

/** https://github.com/ethereum/execution-apis: a node that runs a transaction before it takes it, and saw it revert. */
const REVERTED = 3
/** Of the question, by JSON-RPC: it was not read, or is not served. Never of what was asked about. */
const OF_THE_QUESTION: readonly number[] = [-32700, -32600, -32601]

/**
 * Few nodes have codes of their own for why they refuse a transaction: geth, Erigon, reth and anvil say -32000 or -32003 for most,
 * and a code that is a refusal in one (Besu's -32005) is a limit of requests elsewhere. So a code decides where its
 * meaning is one; otherwise the sentence does, and only one that a node's pool is known to say of a transaction that no block can have
 * as it is. A word in another sentence, such as a provider's or a proxy's, says nothing of the transaction.
 */
export function judgeRefusal({ code, message }: Refusal): Judgement {
  if (code === REVERTED) return 'refused'
  // HTTP statuses, which providers put there: 401, 403, 429.
  if (code > 0 || OF_THE_QUESTION.includes(code)) return 'unclear'
  if (HELD.test(message)) return 'has it'
  return NEVER.test(message) ? 'refused' : 'unclear'
}

/** A sentence of a node's, after whatever says where it comes from and before its figures. */
const sentence = (...sentences: readonly string[]): RegExp =>
  new RegExp(`(?:^|: )(?:${sentences.join('|')})(?:$|[.:,;]| \\(| -- )`, 'i')

const HELD = sentence(
  'already known', // geth, Erigon, Nethermind, reth
  'AlreadyKnown', // Nethermind
  'known transaction(?:: ?[0-9a-fx]+)?', // Besu, older geth
  'existing tx with same hash', // Erigon
  '(?:transaction )?already (?:imported|exists)', // anvil, reth
  'transaction with the same hash was already imported', // OpenEthereum
)

const NEVER = sentence(
  // The account can not pay.
  'insufficient (?:funds|balance)(?: for (?:gas \\* price \\+ value|transfer|gas))?', // geth, Erigon, reth, anvil, Arbitrum
  'insufficient funds for l1 cost \\+ gas \\* price \\+ value', // op-geth
  'InsufficientFunds', // Nethermind
  'upfront cost exceeds account balance', // Besu
  'tx fee \\([^)]*\\) exceeds the configured cap', // geth
  'transaction fee cap exceeded', // Besu
  // Its gas limit.
  'intrinsic gas too (?:low|high)', // geth, Erigon, reth; anvil
  'intrinsic gas exceeds gas limit', // Besu
  'insufficient gas for floor data gas cost', // geth
  'gas floor more than gas limit', // reth
  'exceeds block gas limit', // geth, Erigon, reth
  'transaction gas limit exceeds block gas limit', // Besu
  'transaction gas limit too high', // geth
  'transaction gas limit \\(\\d+\\) is greater than the cap', // reth, anvil
  'GasLimitExceeded', // Nethermind
  'gas uint64 overflow', // geth, reth
  // Its form.
  'oversized data', // geth, Erigon, reth
  'max initcode size exceeded', // geth, reth
  'transaction type not supported', // geth, reth
  '(?:unsupported|invalid) transaction type', // Nethermind, Besu
  'invalid sender', // geth, Erigon
  'invalid chain id for signer', // geth, anvil
  'wrong chainid', // Besu
  'FailedToResolveSender', // Nethermind
  // Its account has code. https://eips.ethereum.org/EIPS/eip-3607
  'sender (?:is )?not an eoa', // geth, Nethermind
  'SenderIsContract', // Nethermind
  'reject transactions from senders with deployed code', // revm
  // It was run.
  'execution reverted', // geth before it had a code for it, Arbitrum
)
