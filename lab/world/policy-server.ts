import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { Identity } from './certificates.ts'

/** An HTTPS server on loopback, for MTA-STS policies and for whoever takes reports by POST. */
export type PolicyServer = {
  readonly port: number
  /** `GET host/path` of each request, in order. */
  readonly asked: readonly string[]
  /** What was sent with POST. */
  readonly posted: readonly { readonly path: string; readonly contentType: string; readonly body: Buffer }[]
  /** What it answers from now on. */
  answer(listener: RequestListener): void
  close(): Promise<void>
}

/** A policy file as most domains serve it. */
export function policyFile(text: string): RequestListener {
  return (request, response) => {
    const isPolicy = request.url === '/.well-known/mta-sts.txt'
    response.writeHead(isPolicy ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(isPolicy ? text.replaceAll('\n', '\r\n') : '')
  }
}

/** Starts it with this certificate, for every name that it bears. */
export async function startPolicyServer(identity: Identity, first: RequestListener): Promise<PolicyServer> {
  let listener = first
  const asked: string[] = []
  const posted: { path: string; contentType: string; body: Buffer }[] = []
  const server = createServer(identity, (request, response) => {
    asked.push(`${request.method} ${request.headers.host?.replace(/:\d+$/, '')}${request.url}`)
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      if (request.method === 'POST') {
        posted.push({
          path: request.url ?? '',
          contentType: request.headers['content-type'] ?? '',
          body: Buffer.concat(pieces),
        })
      }
      listener(request, response)
    })
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    port: address.port,
    asked,
    posted,
    answer: (next) => {
      listener = next
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
