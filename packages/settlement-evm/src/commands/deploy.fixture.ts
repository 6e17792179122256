import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Call, type Fault, type FaultyRpc, faultyRpc } from '../../../chain-evm/src/transactions/faults.fixture.ts'
import { deployCommand } from './deploy.ts'

/** For tests: everything that the command ever said, so that it can be searched for keys. */
export const said: string[] = []

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
  /** What it threw. */
  readonly error: unknown
}

/** Runs the command in a folder, with a journal below it. Never rejects. */
export async function runDeploy(folder: string, args: readonly string[], signal?: AbortSignal): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []]
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    cwd: folder,
    signal: signal ?? new AbortController().signal,
    isTerminal: false,
  }
  const journal = args.includes('--check') ? [] : ['--journal', join(folder, 'journal')]
  let status = 1
  let error: unknown
  try {
    status = await deployCommand.run([...args, ...journal], io)
  } catch (thrown) {
    error = thrown
  }
  said.push(...out, ...err, ...texts(error))
  return { status, out: out.join(''), err: err.join(''), error }
}

/** All that a log could show of an error, its causes and stacks included. */
function texts(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const details =
    'details' in error ? JSON.stringify(error.details, (_, v) => (typeof v === 'bigint' ? `${v}` : v)) : ''
  return [String(error), error.stack ?? '', details, ...texts(error.cause)]
}

export async function secretFile(folder: string, name: string, text: string, mode = 0o600): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}

/** An RPC that remembers which methods were called. */
export async function watchedRpc(
  upstream: string,
  fault: (call: Call, calls: readonly Call[]) => Fault = () => ({ do: 'pass' }),
): Promise<FaultyRpc & { readonly calls: readonly Call[] }> {
  const calls: Call[] = []
  const rpc = await faultyRpc(upstream, (call) => {
    calls.push(call)
    return fault(call, calls)
  })
  return { ...rpc, calls }
}

export const sendsOf = (calls: readonly Call[]): number =>
  calls.filter((c) => c.method.startsWith('eth_send') || c.method.startsWith('anvil_')).length
