import { isVeristackError, type VeristackError } from '@veristack/core/receipt'
import { fail } from '../errors.ts'
import { type Abi, interfaceOf } from './abi.ts'

/** The code of nodes for a call that was run and reverted. https://github.com/ethereum/execution-apis */
const REVERTED = 3

/**
 * Turns a node's refusal into `VS_EVM_REVERTED` with the custom error's name and arguments (`id: 0x…, actual: 3`) in its
 * details, where the refusal carries revert data; any other error is returned as it is.
 */
export async function explainRevert(
  error: unknown,
  call: { readonly name: string; readonly abi?: Abi },
): Promise<unknown> {
  if (!isVeristackError(error, 'VS_EVM_RPC')) return error
  const { code, data, reason } = error.details
  if (typeof data !== 'string' || !data.startsWith('0x')) {
    if (code !== REVERTED && !String(reason).includes('revert')) return error
    return reverted(call.name, 'unknown', [], String(reason))
  }
  const known = call.abi === undefined ? undefined : await parsed(call.abi, data)
  if (known !== undefined) return reverted(call.name, known.name, known.args, undefined)
  return reverted(call.name, data === '0x' ? 'none' : data.slice(0, 10), [], String(reason))
}

/** Undefined for what the ABI does not know: no data, another error, or arguments that do not decode. */
async function parsed(
  abi: Abi,
  data: string,
): Promise<{ readonly name: string; readonly args: readonly string[] } | undefined> {
  const known = await interfaceOf(abi)
  try {
    const error = known.parseError(data)
    if (error === null) return undefined
    const named = (value: unknown, i: number): string => {
      const { name } = error.fragment.inputs[i] ?? {}
      return name ? `${name}: ${String(value)}` : String(value)
    }
    return { name: error.name, args: error.args.map(named) }
  } catch {
    return undefined
  }
}

function reverted(name: string, error: string, args: readonly string[], reason: string | undefined): VeristackError {
  return fail('VS_EVM_REVERTED', {
    message: `The contract refused ${name}: ${error}`,
    details: { call: name, error, arguments: args.length === 0 ? undefined : args.join(', '), reason },
  })
}

/** The name of the custom error that a call was refused with, or undefined where it failed otherwise. */
export function revertName(error: unknown): string | undefined {
  return isVeristackError(error, 'VS_EVM_REVERTED') ? String(error.details.error) : undefined
}
