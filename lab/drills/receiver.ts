import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { bodyFor } from './message.ts'

/** One copy of a message that came whole. */
export type Copy = {
  /** In which life of the relay its connection was made. */
  readonly life: number
  /** When it was whole, by the clock of `performance.now()`. */
  readonly at: number
  /** Whether the relay was told that it is taken. */
  readonly answered: boolean
}

/** What the receiver does with a transaction: takes it, turns it away for now, or ends the connection in the middle or after the final dot. */
export type Mood = 'take' | 'defer' | 'drop-in-data' | 'drop-after-dot'

/** Where a drill's mail goes. It notes every copy of every message, and looks into each whether it is whole and signed. */
export type Receiver = {
  readonly port: number
  /** Recipient to the copies that came. */
  readonly copies: ReadonlyMap<string, readonly Copy[]>
  readonly unsigned: number
  /** Messages whose body is not what was sent to this recipient. */
  readonly mangled: number
  readonly deferred: number
  /** Connections that it ended in the middle of the data, and after the final dot. */
  readonly dropped: { readonly inData: number; readonly afterDot: number }
  /** Asked anew for each transaction. */
  mood: () => Mood
  /** Ends every connection before a word is said. */
  isAway: boolean
  /** When each life of the relay ended, by the same clock. */
  readonly endedAt: readonly number[]
  /** The relay has died: connections from now on are another life's. */
  nextLife(): void
  close(): Promise<void>
}

export async function startReceiver(bodyBytes: number): Promise<Receiver> {
  const book = new Book(bodyBytes)
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    if (book.isAway) return void socket.destroy()
    converse(socket, book, book.endedAt.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return Object.assign(book, {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  })
}

class Book {
  readonly copies = new Map<string, Copy[]>()
  readonly dropped = { inData: 0, afterDot: 0 }
  readonly #bodyBytes: number
  unsigned = 0
  mangled = 0
  deferred = 0
  readonly endedAt: number[] = []
  mood: () => Mood = () => 'take'
  isAway = false

  constructor(bodyBytes: number) {
    this.#bodyBytes = bodyBytes
  }

  nextLife(): void {
    this.endedAt.push(performance.now())
  }

  note(recipients: readonly string[], message: string, copy: Copy): void {
    for (const recipient of recipients) {
      this.copies.set(recipient, [...(this.copies.get(recipient) ?? []), copy])
      if (!message.endsWith(`\r\n\r\n${bodyFor(recipient, this.#bodyBytes)}`)) this.mangled += 1
    }
    if (!/^dkim-signature:/im.test(message)) this.unsigned += 1
  }
}

/** How many octets of data are read before a connection is dropped in the middle of them. */
const halfway = 700

function converse(socket: Socket, book: Book, life: number): void {
  let pending = ''
  let mood: Mood = 'take'
  let inData = false
  let recipients: string[] = []
  const finish = (message: string): void => {
    inData = false
    const answered = mood === 'take'
    book.note(recipients, message, { life, at: performance.now(), answered })
    recipients = []
    if (answered) return void socket.write('250 2.0.0 taken\r\n')
    book.dropped.afterDot += 1
    socket.destroy()
  }
  const command = (line: string): void => {
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return void socket.write('250-receiver.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n')
      case 'MAIL':
        mood = book.mood()
        recipients = []
        if (mood === 'defer') book.deferred += 1
        return void socket.write(mood === 'defer' ? '451 4.3.0 not now\r\n' : '250 2.1.0 ok\r\n')
      case 'RCPT':
        if (mood !== 'defer') recipients.push(/<(.*?)>/.exec(line)?.[1] ?? '')
        return void socket.write(mood === 'defer' ? '503 5.5.1 MAIL first\r\n' : '250 2.1.5 ok\r\n')
      case 'DATA':
        inData = recipients.length > 0
        return void socket.write(inData ? '354 go on\r\n' : '503 5.5.1 RCPT first\r\n')
      case 'QUIT':
        return void socket.end('221 2.0.0 bye\r\n')
      default:
        return void socket.write('250 2.0.0 ok\r\n')
    }
  }
  socket.write('220 receiver.example ESMTP\r\n')
  socket.on('data', (data: Buffer) => {
    pending += data.toString('latin1')
    for (;;) {
      if (inData && mood === 'drop-in-data' && pending.length >= halfway) {
        book.dropped.inData += 1
        return void socket.destroy()
      }
      const end = pending.indexOf(inData ? '\r\n.\r\n' : '\r\n')
      if (end === -1 || socket.destroyed) return
      const part = pending.slice(0, end)
      pending = pending.slice(end + (inData ? 5 : 2))
      if (inData) finish(`${part}\r\n`)
      else command(part)
    }
  })
}
