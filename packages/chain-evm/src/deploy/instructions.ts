import { fromHex, type Hex, isVeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import type { Chain } from '../rpc/connect.ts'
import { persistently } from '../rpc/retry.ts'

/** Instructions that not every chain has, and code that runs each. https://eips.ethereum.org: 3855, 1153, 5656, 7939 */
const YOUNG = [
  { opcode: 0x5f, name: 'PUSH0 (Shanghai)', run: '5f50' },
  { opcode: 0x5c, name: 'TLOAD (Cancun)', run: '60005c50' },
  { opcode: 0x5d, name: 'TSTORE (Cancun)', run: '600060005d' },
  { opcode: 0x5e, name: 'MCOPY (Cancun)', run: '6000600060005e' },
  { opcode: 0x1e, name: 'CLZ (Osaka)', run: '60001e50' },
] as const
const RETURN_NOTHING = '60006000f3'

/**
 * Throws `VS_EVM_INSTRUCTION` where the chain does not run an instruction of the code: chains take code that they can not
 * run, and every call of it fails.
 */
export async function checkInstructions(
  chain: Chain,
  contract: string,
  code: Hex,
  signal: AbortSignal = chain.closed,
): Promise<void> {
  const found = opcodes(fromHex(code))
  const used = YOUNG.filter((i) => found.has(i.opcode))
  if (await runs(chain, used.map((i) => i.run).join(''), signal)) return
  for (const { name, run } of used) {
    if (await runs(chain, run, signal)) continue
    throw fail('VS_EVM_INSTRUCTION', { details: { contract, network: chain.network, instruction: name } })
  }
}

async function runs(chain: Chain, code: string, signal: AbortSignal): Promise<boolean> {
  const data = `0x${code}${RETURN_NOTHING}`
  try {
    await persistently(() => chain.rpc('eth_call', [{ data }, 'latest'], signal), signal)
    return true
  } catch (error) {
    if (isVeristackError(error, 'VS_EVM_RPC')) return false
    throw error
  }
}

/** What follows a PUSH is data. */
function opcodes(code: Uint8Array): ReadonlySet<number> {
  const found = new Set<number>()
  for (let i = 0; i < code.length; i++) {
    const opcode = code[i] ?? 0
    found.add(opcode)
    if (opcode >= 0x60 && opcode <= 0x7f) i += opcode - 0x5f
  }
  return found
}
