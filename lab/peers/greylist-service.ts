import { once } from 'node:events'
import { createServer } from 'node:net'

/** A policy service for Postfix (SMTPD_POLICY_README) that puts off each recipient beginning with `grey` when it is first named. */
export type GreylistService = { readonly port: number; close(): void }

export async function startGreylistService(): Promise<GreylistService> {
  const known = new Set<string>()
  const server = createServer((socket) => {
    let pending = ''
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      pending += data.toString('latin1')
      const requests = pending.split('\n\n')
      pending = requests.pop() ?? ''
      for (const request of requests) socket.write(`action=${actionFor(request, known)}\n\n`)
    })
    socket.unref()
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the greylist has no port')
  return { port: address.port, close: () => void server.close() }
}

function actionFor(request: string, known: Set<string>): string {
  const recipient = /^recipient=(.*)$/m.exec(request)?.[1] ?? ''
  if (!recipient.startsWith('grey') || known.has(recipient)) return 'dunno'
  known.add(recipient)
  return '450 4.7.1 greylisted, come back later'
}
