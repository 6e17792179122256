import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Address, type Hex, parseAddress } from '@veristack/core/receipt'
import { fail } from '../errors.ts'

/** A local chain of this process. */
export interface Anvil extends AsyncDisposable {
  readonly rpcUrl: string
  stop(): Promise<void>
}

export interface AnvilOptions {
  /** Default 31337. */
  readonly chainId?: number
  /** More of anvil's arguments. */
  readonly args?: readonly string[]
  readonly signal?: AbortSignal
}

const LISTENING = /Listening on 127\.0\.0\.1:(\d+)/

/** Starts anvil on a free port and waits until it listens. It ends with this process. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  options.signal?.throwIfAborted()
  const child = spawn(
    binary(),
    [
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '--chain-id',
      String(options.chainId ?? 31337),
      ...(options.args?.includes('--hardfork') ? [] : ['--hardfork', 'osaka']),
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    process.removeListener('exit', kill)
    child.kill('SIGTERM')
    const timer = setTimeout(kill, 2000)
    await ended
    clearTimeout(timer)
  }
  try {
    const port = await listening(child, options.signal)
    // Its log is not kept, but it must be read or the process blocks.
    child.stdout?.resume()
    child.stderr?.resume()
    return { rpcUrl: `http://127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function listening(child: ChildProcess, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = ''
    const failed = (why: string): void => {
      signal?.removeEventListener('abort', aborted)
      reject(fail('VS_EVM_ANVIL_FAILED', { details: { why, output: output.trim().split('\n').slice(-3).join(' | ') } }))
    }
    const aborted = (): void => reject(signal?.reason)
    const seen = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-8192)
      const port = LISTENING.exec(output)?.[1]
      if (port === undefined) return
      child.stdout?.off('data', seen)
      child.stderr?.off('data', seen)
      signal?.removeEventListener('abort', aborted)
      resolve(Number(port))
    }
    signal?.addEventListener('abort', aborted, { once: true })
    child.stdout?.on('data', seen)
    child.stderr?.on('data', seen)
    child.once('error', (error) => failed(error.message))
    child.once('close', (code) => failed(`ended with ${code}`))
  })
}

function binary(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`
  try {
    const here = createRequire(import.meta.url)
    // The binary's package is a dependency of anvil's, so it is found from there.
    const beside = createRequire(here.resolve('@foundry-rs/anvil/package.json'))
    const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
    return join(dirname(beside.resolve(`${name}/package.json`)), 'bin', file)
  } catch (cause) {
    throw fail('VS_EVM_ANVIL_MISSING', { details: { package: name }, cause })
  }
}

/** A funded account of every local chain, from the mnemonic "test test ... junk". Everybody knows its key. */
export interface DevelopmentAccount {
  readonly address: Address
  readonly privateKey: Hex
}

export const developmentAccounts: readonly DevelopmentAccount[] = [
  ['0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266', '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'],
  ['0x70997970c51812dc3a010c7d01b50e0d17dc79c8', '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'],
  ['0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc', '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'],
].map(([address, privateKey]) => ({ address: parseAddress(address), privateKey: privateKey as Hex }))
