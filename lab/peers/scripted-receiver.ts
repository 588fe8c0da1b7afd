import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { TLSSocket, createSecureContext } from 'node:tls'

/** What a client said, or did, and where in the session it stands. */
export type Step = {
  /** `CONNECT`, a verb in upper case, or `MESSAGE` when the final dot has come. */
  readonly verb: string
  /** The line behind the verb, or the message. */
  readonly argument: string
  /** Connections from 1, in the order of their opening. */
  readonly connection: number
  /** Mail transactions of all connections from 1: at MAIL already that of the one which begins. */
  readonly transaction: number
  /** How often this verb was heard, from 1. */
  readonly count: number
}

/** A reply of one or more lines without CRLF; or what else a server may do. `null` leaves it to the usual course. */
export type Reaction =
  | string
  | null
  | { readonly do: 'drop' }
  | { readonly do: 'hang' }
  /** Replies, then closes the connection. */
  | { readonly do: 'close'; readonly reply: string }
  | { readonly do: 'wait'; readonly ms: number; readonly reply: string | null }
  /** Closes in the middle of the data, before the message is whole; for DATA alone. */
  | { readonly do: 'cut' }
  /** Reads nothing for a while after 354; for DATA alone. */
  | { readonly do: 'stall'; readonly ms: number }

export type Script = {
  /** Keywords of the answer to EHLO. */
  readonly extensions?: readonly string[]
  /** Offers STARTTLS with this identity; `broken` answers 220 and then speaks no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | 'broken'
  readonly answer?: (step: Step) => Reaction | undefined
  readonly host?: string
  /** 0 or absent: any free one. */
  readonly port?: number
}

export type Taken = {
  /** The arguments of MAIL and of the RCPTs that were accepted. */
  readonly mail: string
  readonly recipients: readonly string[]
  /** Octets as latin1, dots unstuffed. */
  readonly message: string
  /** What came on the wire between 354 and the final dot. */
  readonly raw: string
  readonly connection: number
  readonly encrypted: boolean
}

export type ScriptedReceiver = {
  readonly port: number
  /** What it answered 250 for. */
  readonly taken: readonly Taken[]
  /** Each command line as it came, data left out. */
  readonly commands: readonly string[]
  readonly connections: number
  /** How many connections are open. */
  readonly open: number
  close(): Promise<void>
}

export const usualExtensions = ['PIPELINING', 'SIZE 10000000', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN']

/** An SMTP server on loopback that does what its script says, and takes everything where the script says nothing. */
export async function startScriptedReceiver(script: Script = {}): Promise<ScriptedReceiver> {
  const state = {
    taken: [] as Taken[],
    commands: [] as string[],
    connections: 0,
    transactions: 0,
    counts: new Map<string, number>(),
  }
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    state.connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    new Visit(socket, script, state).begin()
  })
  server.listen(script.port ?? 0, script.host ?? '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return {
    port: address.port,
    taken: state.taken,
    commands: state.commands,
    get connections() {
      return state.connections
    },
    get open() {
      return sockets.size
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

type State = {
  readonly taken: Taken[]
  readonly commands: string[]
  readonly counts: Map<string, number>
  connections: number
  transactions: number
}

class Visit {
  #socket: Socket
  readonly #script: Script
  readonly #state: State
  readonly #number: number
  #pending = ''
  /** Data that has come and is not yet in `#pending`: joining it at each chunk would take quadratic time. */
  #parts: string[] = []
  #tail = ''
  #mail: string | null = null
  #recipients: string[] = []
  #inData = false
  #cut = false
  #encrypted = false
  #busy = false
  #over = false

  constructor(socket: Socket, script: Script, state: State) {
    this.#socket = socket
    this.#script = script
    this.#state = state
    this.#number = state.connections
  }

  begin(): void {
    this.#hear(this.#socket)
    this.#busy = true
    void this.#react('CONNECT', '', '220 receiver.example ESMTP').then(() => this.#next())
  }

  #hear(socket: Socket): void {
    socket.on('data', (data: Buffer) => {
      const text = data.toString('latin1')
      this.#parts.push(text)
      if (this.#cut && this.#inData) this.#end()
      if (this.#busy || this.#over || (this.#inData && !this.#mayEnd(text))) return
      void this.#next()
    })
  }

  #mayEnd(text: string): boolean {
    const window = this.#tail + text
    this.#tail = window.slice(-4)
    return window.includes('\r\n.\r\n')
  }

  async #next(): Promise<void> {
    this.#busy = true
    while (!this.#over) {
      this.#pending += this.#parts.splice(0).join('')
      const end = this.#inData ? this.#endOfData() : this.#pending.indexOf('\r\n')
      if (end === -1) {
        this.#tail = `\r\n${this.#pending}`.slice(-4)
        break
      }
      const part = this.#pending.slice(0, end)
      this.#pending = this.#pending.slice(end + (this.#inData ? (end === 0 ? 3 : 5) : 2))
      if (this.#inData) await this.#message(end === 0 ? '' : `${part}\r\n`)
      else await this.#command(part)
    }
    this.#busy = false
  }

  #endOfData(): number {
    return this.#pending.startsWith('.\r\n') ? 0 : this.#pending.indexOf('\r\n.\r\n')
  }

  async #message(raw: string): Promise<void> {
    this.#inData = false
    const code = await this.#react('MESSAGE', raw, '250 2.0.0 taken')
    if (code.startsWith('250')) {
      const message = raw.replace(/(^|\r\n)\./g, '$1')
      const { taken } = this.#state
      taken.push({
        mail: this.#mail ?? '',
        recipients: this.#recipients,
        message,
        raw,
        connection: this.#number,
        encrypted: this.#encrypted,
      })
    }
    this.#forget()
  }

  async #command(line: string): Promise<void> {
    this.#state.commands.push(line)
    const [verb = '', ...rest] = line.split(' ')
    const argument = rest.join(' ')
    switch (verb.toUpperCase()) {
      case 'EHLO': {
        this.#forget()
        const offer = [
          ...(this.#script.extensions ?? usualExtensions),
          ...(this.#script.tls && !this.#encrypted ? ['STARTTLS'] : []),
        ]
        const lines = ['receiver.example', ...offer].map(
          (one, at, all) => `250${at === all.length - 1 ? ' ' : '-'}${one}`,
        )
        await this.#react('EHLO', argument, lines.join('\r\n'))
        return
      }
      case 'STARTTLS':
        if ((await this.#react('STARTTLS', argument, '220 2.0.0 go ahead')).startsWith('220')) this.#secure()
        return
      case 'MAIL': {
        this.#forget()
        this.#state.transactions++
        if ((await this.#react('MAIL', argument, '250 2.1.0 ok')).startsWith('250')) this.#mail = argument
        return
      }
      case 'RCPT': {
        const usual = this.#mail === null ? '503 5.5.1 MAIL first' : '250 2.1.5 ok'
        if ((await this.#react('RCPT', argument, usual)).startsWith('250')) this.#recipients.push(argument)
        return
      }
      case 'DATA': {
        const usual = this.#recipients.length === 0 ? '554 5.5.1 no valid recipients' : '354 go on'
        this.#inData = (await this.#react('DATA', argument, usual)).startsWith('354')
        return
      }
      case 'RSET':
        this.#forget()
        await this.#react('RSET', argument, '250 2.0.0 ok')
        return
      case 'QUIT':
        await this.#react('QUIT', argument, '221 2.0.0 bye')
        this.#end()
        return
      default:
        await this.#react(verb.toUpperCase(), argument, '250 2.0.0 ok')
    }
  }

  /** Does what the script says, or the usual; answers what was replied. */
  async #react(verb: string, argument: string, usual: string): Promise<string> {
    const count = (this.#state.counts.get(verb) ?? 0) + 1
    this.#state.counts.set(verb, count)
    const step = { verb, argument, connection: this.#number, transaction: this.#state.transactions, count }
    const reaction = this.#script.answer?.(step) ?? null
    if (reaction === null) return this.#say(usual)
    if (typeof reaction === 'string') return this.#say(reaction)
    switch (reaction.do) {
      case 'drop':
        this.#end()
        return ''
      case 'hang':
        this.#over = true
        return ''
      case 'close':
        this.#say(reaction.reply)
        this.#over = true
        this.#socket.end()
        return reaction.reply
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, reaction.ms))
        return this.#say(reaction.reply ?? usual)
      case 'cut':
        this.#cut = true
        return this.#say(usual)
      case 'stall':
        this.#socket.pause()
        setTimeout(() => this.#socket.resume(), reaction.ms)
        return this.#say(usual)
      default:
        return reaction satisfies never
    }
  }

  #say(reply: string): string {
    if (!this.#over) this.#socket.write(`${reply}\r\n`)
    return reply
  }

  #end(): void {
    this.#over = true
    this.#socket.destroy()
  }

  #forget(): void {
    this.#mail = null
    this.#recipients = []
    this.#inData = false
  }

  #secure(): void {
    const { tls } = this.#script
    if (tls === undefined) return
    if (tls === 'broken') {
      this.#socket.removeAllListeners('data')
      this.#socket.write('this is no handshake\r\n')
      return
    }
    this.#socket.removeAllListeners('data')
    this.#pending = ''
    const secured = new TLSSocket(this.#socket, { isServer: true, secureContext: createSecureContext(tls) })
    secured.on('error', () => undefined)
    this.#socket = secured
    this.#encrypted = true
    this.#forget()
    this.#hear(secured)
  }
}
