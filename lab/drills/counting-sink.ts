import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'

/** A destination that takes everything and counts, for each recipient, how often it came and whether it was signed. */
export type CountingSink = {
  readonly port: number
  /** Recipient to number of copies. */
  readonly copies: ReadonlyMap<string, number>
  readonly unsigned: number
  close(): Promise<void>
}

/** On a free port of 127.0.0.1 unless one is given. */
export async function startCountingSink(port = 0): Promise<CountingSink> {
  const copies = new Map<string, number>()
  const state = { unsigned: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    take(socket, (recipients, signed) => {
      for (const recipient of recipients) copies.set(recipient, (copies.get(recipient) ?? 0) + 1)
      if (!signed) state.unsigned += 1
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the sink has no port')
  return {
    port: address.port,
    copies,
    get unsigned() {
      return state.unsigned
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function take(socket: Socket, taken: (recipients: readonly string[], signed: boolean) => void): void {
  let pending = ''
  let inData = false
  let recipients: string[] = []
  socket.write('220 sink.example ESMTP\r\n')
  socket.on('data', (data: Buffer) => {
    pending += data.toString('latin1')
    for (;;) {
      const end = inData ? pending.indexOf('\r\n.\r\n') : pending.indexOf('\r\n')
      if (end === -1) return
      const part = pending.slice(0, end)
      pending = pending.slice(end + (inData ? 5 : 2))
      if (inData) {
        inData = false
        taken(recipients, /^dkim-signature:/im.test(part))
        recipients = []
        socket.write('250 2.0.0 taken\r\n')
      } else if (/^EHLO/i.test(part)) socket.write('250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n')
      else if (/^DATA/i.test(part)) {
        inData = true
        socket.write('354 go on\r\n')
      } else if (/^RCPT/i.test(part)) {
        recipients.push(/<(.*?)>/.exec(part)?.[1] ?? '')
        socket.write('250 2.1.5 ok\r\n')
      } else if (/^MAIL/i.test(part)) {
        recipients = []
        socket.write('250 2.1.0 ok\r\n')
      } else if (/^QUIT/i.test(part)) socket.end('221 2.0.0 bye\r\n')
      else socket.write('250 2.0.0 ok\r\n')
    }
  })
}
