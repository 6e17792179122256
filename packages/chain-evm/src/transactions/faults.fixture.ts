import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Hex } from '@veristack/core'
import type { Address } from '@veristack/core/receipt'
import type { Chain } from '../index.ts'

/** For tests: a contract that counts how often it was called with each word, and an RPC that can not be relied on. */

export const COUNTER = `0x${'c0'.repeat(20)}` as Address
/** `counts[word] += 1`, and an event with the word as its topic. */
const COUNTER_CODE = '0x5f35805460010190555f355f5fa100'
export const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
export const placeCounter = (chain: Chain): Promise<unknown> => chain.rpc('anvil_setCode', [COUNTER, COUNTER_CODE])
export const countOf = async (chain: Chain, n: number): Promise<number> =>
  Number(await chain.rpc('eth_getStorageAt', [COUNTER, word(n), 'latest']))

export interface Call {
  readonly method: string
  readonly params: readonly unknown[]
}
/** What is done with a call instead of passing it on and its answer back. */
export type Fault =
  | { readonly do: 'pass' }
  | { readonly do: 'drop'; readonly when: 'before' | 'after' }
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'repeat' }
  | { readonly do: 'answer'; readonly result: unknown }
  | { readonly do: 'refuse'; readonly message: string; readonly data?: Hex; readonly code?: number }
  /** Passed on, and answered with a refusal all the same. */
  | { readonly do: 'deny'; readonly message: string }
  /** Passed on when something else is through. */
  | { readonly do: 'hold'; readonly until: Promise<unknown> }
  | { readonly do: 'alter'; readonly call: Call }

export interface FaultyRpc {
  readonly rpcUrl: string
  /** How often each thing was done. */
  readonly done: ReadonlyMap<string, number>
  /** Calls that the node has and has not answered. */
  readonly underWay: number
  stop(): Promise<void>
}

/** Stands between a client and a node, and does with each call what `fault` says. */
export async function faultyRpc(upstream: string, fault: (call: Call) => Fault): Promise<FaultyRpc> {
  const done = new Map<string, number>()
  let underWay = 0
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (c: Buffer) => chunks.push(c))
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const call = JSON.parse(body) as Call & { readonly id: number }
      const f = fault(call)
      done.set(f.do, (done.get(f.do) ?? 0) + 1)
      const answer = (text: string): void => void outgoing.end(text)
      const cut = (): void => void outgoing.destroy()
      const pass = (text = body) => {
        underWay += 1
        return forward(upstream, text).finally(() => {
          underWay -= 1
        })
      }
      const refuse = (error: object): void =>
        answer(JSON.stringify({ jsonrpc: '2.0', id: call.id, error: { code: -32000, ...error } }))
      switch (f.do) {
        case 'pass':
          return void pass().then(answer, cut)
        case 'drop':
          return f.when === 'before' ? cut() : void pass().then(cut, cut)
        case 'delay':
          return void setTimeout(() => pass().then(answer, cut), f.ms)
        case 'repeat':
          return void pass().then(() => pass().then(answer, cut), cut)
        case 'answer':
          return answer(JSON.stringify({ jsonrpc: '2.0', id: call.id, result: f.result }))
        case 'refuse':
          return refuse({ message: f.message, data: f.data, code: f.code ?? -32000 })
        case 'deny':
          return void pass().then(() => refuse({ message: f.message }), cut)
        case 'hold':
          return void f.until.then(() => pass()).then(answer, cut)
        case 'alter':
          return void pass(JSON.stringify({ ...call, ...f.call })).then(answer, cut)
      }
    })
  })
  // A connection that is closed for idleness while a call is on its way would be a fault that nobody asked for.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    done,
    get underWay() {
      return underWay
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function forward(upstream: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const outgoing = request(upstream, { method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (c: string) => {
        text += c
      })
      response.on('end', () => resolve(text))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Drops, delays, repeats and lies about `rate` of all calls. */
export function unreliable(random: () => number, rate: number): (call: Call) => Fault {
  return (call) => {
    if (random() >= rate) return { do: 'pass' }
    const kind = random()
    if (kind < 0.2) return { do: 'drop', when: 'before' }
    if (kind < 0.4) return { do: 'drop', when: 'after' }
    if (kind < 0.5) return { do: 'delay', ms: Math.floor(60 * random()) }
    if (kind < 0.6) return { do: 'repeat' }
    return lie(call, random)
  }
}

function lie({ method, params }: Call, random: () => number): Fault {
  switch (method) {
    case 'eth_getTransactionCount':
      return { do: 'answer', result: `0x${Math.floor(12 * random()).toString(16)}` }
    case 'eth_getTransactionReceipt':
      return { do: 'answer', result: null }
    case 'eth_getBlockReceipts':
      return { do: 'answer', result: [] }
    case 'eth_sendRawTransaction':
      // Taken, and never heard of again.
      return { do: 'answer', result: `0x${'ab'.repeat(32)}` }
    case 'eth_getBlockByNumber':
      return params[0] === 'latest'
        ? { do: 'alter', call: { method, params: [`0x${Math.floor(4 * random()).toString(16)}`, params[1]] } }
        : { do: 'answer', result: null }
    default:
      return { do: 'pass' }
  }
}
