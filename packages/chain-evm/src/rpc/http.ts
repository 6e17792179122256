import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** What a node said: its result, or its refusal. */
export type Answer =
  | { readonly result: unknown }
  | { readonly refusal: { readonly code: number; readonly message: string; readonly data?: string } }

/** JSON-RPC over HTTP with connections that stay open. Calls are not batched: a batch waits for its slowest member. */
export interface Transport {
  /** Throws an Error that says why there was no answer. */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<Answer>
  close(): void
}

export interface TransportOptions {
  readonly rpcUrl: string
  /** Milliseconds after which a call counts as unanswered. */
  readonly timeoutMs: number
}

const CONNECTIONS = 32
/** A block of receipts is a few megabytes; what is beyond this is not read. */
const LIMIT_BYTES = 128 * 1024 * 1024

export function httpTransport({ rpcUrl, timeoutMs }: TransportOptions): Transport {
  const url = new URL(rpcUrl)
  const secure = url.protocol === 'https:'
  if (!secure && url.protocol !== 'http:') throw new TypeError('neither http nor https')
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: CONNECTIONS })
  const auth = url.username === '' ? {} : { auth: decodeURIComponent(`${url.username}:${url.password}`) }
  const options: RequestOptions = { method: 'POST', agent, ...auth }
  const closing = new AbortController()
  let id = 0

  const once = (body: string, signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const request = (secure ? httpsRequest : httpRequest)(url, { ...options, headers, signal }, (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > LIMIT_BYTES) request.destroy(new Error('the answer is too large'))
          else chunks.push(chunk)
        })
        response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
        response.once('error', reject)
        response.once('aborted', () => reject(new Error('the connection ended early')))
      })
      request.once('error', (error) => reject(Object.assign(error, { reused: request.reusedSocket })))
      request.end(body)
    })

  return {
    call: async (method, params, signal) => {
      const given = signal === undefined ? [] : [signal]
      const limit = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs), ...given])
      const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
      const text = await once(body, limit).catch((error: unknown) => {
        // The node had closed an idle connection: nothing reached it.
        if (!isReset(error) || limit.aborted) throw error
        return once(body, limit)
      })
      return parseAnswer(text)
    },
    close: () => {
      closing.abort(new Error('the connection was closed'))
      agent.destroy()
    },
  }
}

const isReset = (error: unknown): boolean =>
  error instanceof Error && 'reused' in error && error.reused === true && 'code' in error && error.code === 'ECONNRESET'

function parseAnswer(text: string): Answer {
  const answer: unknown = JSON.parse(text)
  if (typeof answer !== 'object' || answer === null) throw new Error('not a JSON-RPC answer')
  if ('error' in answer && typeof answer.error === 'object' && answer.error !== null) {
    const { error } = answer
    const data = 'data' in error && typeof error.data === 'string' ? { data: error.data } : {}
    const code = 'code' in error && typeof error.code === 'number' ? error.code : 0
    return { refusal: { code, message: 'message' in error ? String(error.message) : 'no reason', ...data } }
  }
  if (!('result' in answer)) throw new Error('not a JSON-RPC answer')
  return { result: answer.result }
}
