import { once } from 'node:events'
import { type Server, type Socket, createServer } from 'node:net'
import { mustBeLoopback } from './loopback.ts'

/** A transaction that a server of the lab took, with the octets between DATA and the final dot as they were on the wire. */
export type Taken = {
  readonly client: string
  readonly greeting: string
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly raw: string
}

export type SmtpServerOptions = {
  readonly name: string
  /** A free one when left out. */
  readonly port?: number
  /** A reply instead of 250 to RCPT, or null. */
  readonly atRcpt: (recipient: string) => string | null
  /** The reply at the end of data. */
  readonly atEndOfData: (taken: Taken) => Promise<string>
}

export type SmtpServer = { readonly port: number; close(): Promise<void> }

/** A plain and trusting SMTP server on loopback: it says yes to whatever is not stopped by the options. */
export async function startSmtpServer(options: SmtpServerOptions): Promise<SmtpServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    converse(socket, options)
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return { port: portOf(server), close: () => close(server, sockets) }
}

/** The octets of a message after dots were unstuffed (RFC 5321 §4.5.2). */
export function unstuffed(raw: string): Buffer {
  return Buffer.from(raw.replace(/(^|\r\n)\./g, '$1'), 'latin1')
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  server.close()
  await once(server, 'close')
}

type Transaction = { mailFrom: string; recipients: string[] }

function converse(socket: Socket, options: SmtpServerOptions): void {
  const client = socket.remoteAddress ?? ''
  mustBeLoopback(client)
  const say = (line: string): void => void socket.write(`${line}\r\n`)
  let pending = ''
  let inData = false
  let greeting = ''
  let transaction: Transaction = { mailFrom: '', recipients: [] }
  let busy = Promise.resolve()

  const takeMessage = async (): Promise<boolean> => {
    const end = pending.startsWith('.\r\n') ? 0 : pending.indexOf('\r\n.\r\n')
    if (end === -1) return false
    const raw = end === 0 ? '' : pending.slice(0, end + 2)
    pending = pending.slice(end + (end === 0 ? 3 : 5))
    inData = false
    say(await options.atEndOfData({ client, greeting, ...transaction, raw }))
    return true
  }

  const takeCommand = (): boolean => {
    const end = pending.indexOf('\r\n')
    if (end === -1) return false
    const line = Buffer.from(pending.slice(0, end), 'latin1').toString('utf8')
    pending = pending.slice(end + 2)
    const path = /<(.*?)>/.exec(line)?.[1] ?? ''
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        greeting = line.slice(5)
        say(`250-${options.name}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 100000000`)
        break
      case 'MAIL':
        transaction = { mailFrom: path, recipients: [] }
        say('250 2.1.0 ok')
        break
      case 'RCPT': {
        const refusal = options.atRcpt(path)
        if (refusal === null) transaction.recipients.push(path)
        say(refusal ?? '250 2.1.5 ok')
        break
      }
      case 'DATA':
        inData = transaction.recipients.length > 0
        say(inData ? '354 go on' : '503 5.5.1 no recipient')
        break
      case 'QUIT':
        say('221 2.0.0 bye')
        socket.end()
        break
      default:
        say('250 2.0.0 ok')
    }
    return true
  }

  const drain = async (): Promise<void> => {
    while (inData ? await takeMessage() : takeCommand());
  }
  say(`220 ${options.name} ESMTP`)
  socket.on('data', (data: Buffer) => {
    pending += data.toString('latin1')
    busy = busy.then(drain)
  })
}
