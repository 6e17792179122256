import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Reply = {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: string | Uint8Array
}

export interface Service {
  readonly base: string
  /** Paths that were asked for; to be emptied by whoever counts them. */
  readonly asked: string[]
  /** What is answered from now on. */
  replies: (path: string) => Reply | 'silence'
  close(): void
}

/** A vendor's service on this machine. */
export async function serve(replies: Service['replies']): Promise<Service> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const reply = service.replies(request.url ?? '')
    if (reply === 'silence') return
    response.writeHead(reply.status ?? 200, reply.headers)
    response.end(reply.body)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const service: Service = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    replies,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return service
}
