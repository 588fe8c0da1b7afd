import { type Socket, connect as openSocket, isIP } from 'node:net'
import { type TLSSocket, connect as openTls } from 'node:tls'
import { isSyntaxFault } from '../../../standards/fault.ts'
import type { Reply } from '../../../standards/smtp/reply.ts'
import { ReplyReader } from '../../../standards/smtp/reply-reader.ts'
import { presentedChain } from '../../../platform/peer-chain.ts'
import type { Handshake } from '../protection/judge.ts'
import { Dialogue } from './dialogue.ts'
import { ConnectionTrouble } from './trouble.ts'

type Waiter = { readonly take: (reply: Reply) => void; readonly fail: (trouble: ConnectionTrouble) => void }

/** More replies than commands is a server gone wrong; this many unread ones end the connection. */
const maxUnread = 1024

/**
 * One TCP connection to a server: octets out with back-pressure, replies in. Every wait has a limit. After the first trouble the
 * connection is of no more use and every call fails with that trouble.
 */
export class Wire {
  readonly dialogue = new Dialogue()
  #socket: Socket
  #reader = new ReplyReader()
  #unread: Reply[] = []
  #waiter: Waiter | null = null
  #drained: (() => void) | null = null
  #trouble: ConnectionTrouble | null = null
  #ended: () => void = () => {}
  #deafen: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  static connect(address: string, port: number, localAddress: string | null, timeout: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = openSocket({
        host: address,
        port,
        noDelay: true,
        ...(localAddress === null ? {} : { localAddress }),
      })
      const fail = (words: string) => {
        socket.destroy()
        reject(new ConnectionTrouble('connect', `connecting to ${address} port ${port} failed: ${words}`))
      }
      const timer = setTimeout(() => fail('no answer in time'), timeout)
      const refused = (error: NodeJS.ErrnoException) => {
        clearTimeout(timer)
        fail(error.code ?? 'unknown error')
      }
      socket.once('error', refused)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', refused)
        const wire = new Wire(socket)
        wire.dialogue.note(`connected to ${address} port ${port} from ${socket.localAddress ?? 'somewhere'}`)
        resolve(wire)
      })
    })
  }

  /** The next reply of the server, in the order of our commands. */
  reply(timeout: number): Promise<Reply> {
    const ready = this.#unread.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#trouble !== null) return Promise.reject(this.#trouble)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail('timeout', 'the server did not answer in time'), timeout)
      this.#waiter = {
        take: (reply) => {
          clearTimeout(timer)
          resolve(reply)
        },
        fail: (trouble) => {
          clearTimeout(timer)
          reject(trouble)
        },
      }
    })
  }

  /** Writes in one go what belongs together. Use it for what is small; a body goes through `pour`. */
  send(...chunks: readonly (string | Buffer)[]): void {
    if (this.#trouble !== null) throw this.#trouble
    this.#socket.cork()
    for (const chunk of chunks) {
      if (typeof chunk === 'string') this.dialogue.said(chunk)
      this.#socket.write(chunk)
    }
    this.#socket.uncork()
  }

  /** Writes a chunk, and waits while the server is slower than we are. Returns null when there is nothing to wait for. */
  pour(chunk: Buffer, timeout: number): Promise<void> | null {
    if (this.#trouble !== null) throw this.#trouble
    if (this.#socket.write(chunk)) return null
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail('timeout', 'the server did not read the message in time'), timeout)
      this.#drained = () => {
        clearTimeout(timer)
        this.#drained = null
        if (this.#trouble === null) resolve()
        else reject(this.#trouble)
      }
    })
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /**
   * Goes on encrypted, with whomever it is: who the server is, the caller judges by the outcome before it sends anything. All that was read before the handshake is thrown away with its reader (RFC 3207 §4.2); a reply that the server
   * sent ahead of the handshake was sent by who knows whom, so it ends the connection.
   */
  async startTls(host: string, roots: readonly string[] | null, timeout: number): Promise<TlsOutcome> {
    if (this.isNoisy) throw this.fail('tls', 'the server sent more than one reply before the TLS handshake')
    this.#deafen()
    const secured = await handshake(this.#socket, host, roots, timeout).catch((error: Error) => {
      throw this.fail('tls', `the TLS handshake failed: ${error.message}`)
    })
    this.dialogue.note(`TLS: ${secured.getProtocol() ?? 'unknown'} ${secured.getCipher().standardName}`)
    this.#socket = secured
    this.#reader = new ReplyReader()
    this.#listen()
    return {
      protocol: secured.getProtocol() ?? 'TLS',
      cipher: secured.getCipher().standardName,
      verified: secured.authorized,
      // Typed as an error; it is a code of OpenSSL or of Node.
      trouble: secured.authorized ? null : String(secured.authorizationError),
      chain: () => presentedChain(secured),
    }
  }

  /** Our address on this connection, and the server's. */
  get addresses(): { readonly ours: string; readonly theirs: string } {
    return { ours: this.#socket.localAddress ?? '', theirs: this.#socket.remoteAddress ?? '' }
  }

  /** Whether the server said something that nobody asked for. */
  get isNoisy(): boolean {
    return this.#unread.length > 0 || this.#reader.isMidReply
  }

  get isBroken(): boolean {
    return this.#trouble !== null
  }

  /** Is called once when the connection breaks or speaks while nobody waits for it; for connections that rest. */
  onDisturbed(then: () => void): void {
    this.#ended = then
  }

  /** Ends the connection at once, for the given reason; the first reason is the one that stays. */
  fail(kind: ConnectionTrouble['kind'], words: string): ConnectionTrouble {
    if (this.#trouble === null) {
      this.dialogue.note(words)
      this.#trouble = new ConnectionTrouble(kind, words)
      this.#trouble.dialogue = this.dialogue
    }
    this.#socket.destroy()
    this.#waiter?.fail(this.#trouble)
    this.#waiter = null
    this.#drained?.()
    this.#ended()
    return this.#trouble
  }

  #listen(): void {
    const socket = this.#socket
    const handlers = {
      data: (chunk: Buffer) => this.#read(chunk),
      drain: () => this.#drained?.(),
      error: (error: NodeJS.ErrnoException) =>
        void this.fail('closed', `the connection broke: ${error.code ?? 'unknown error'}`),
      end: () => void this.fail('closed', 'the server closed the connection'),
      close: () => void this.fail('closed', 'the connection was closed'),
    }
    for (const [event, handler] of Object.entries(handlers)) socket.on(event, handler)
    this.#deafen = () => {
      for (const [event, handler] of Object.entries(handlers)) socket.off(event, handler)
    }
  }

  #read(chunk: Buffer): void {
    const replies = this.#reader.push(chunk)
    if (isSyntaxFault(replies)) {
      this.fail('malformed', `the server's answer is no SMTP reply: ${replies.reason}`)
      return
    }
    for (const reply of replies) {
      this.dialogue.heard(reply)
      const waiter = this.#waiter
      if (waiter === null) {
        this.#unread.push(reply)
      } else {
        this.#waiter = null
        waiter.take(reply)
      }
    }
    if (this.#unread.length > maxUnread) this.fail('malformed', 'the server sends replies that nobody asked for')
    if (this.#waiter === null && replies.length > 0 && this.#unread.length > 0) this.#ended()
  }
}

export type TlsOutcome = Handshake & { readonly protocol: string; readonly cipher: string }

function handshake(socket: Socket, host: string, roots: readonly string[] | null, timeout: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = openTls({
      socket,
      host,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: false,
      // RFC 6066 §3: a literal address is no server name.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(roots === null ? {} : { ca: [...roots] }),
    })
    const timer = setTimeout(() => secured.destroy(new Error('no answer in time')), timeout)
    const failed = (error: Error) => {
      clearTimeout(timer)
      secured.destroy()
      reject(error)
    }
    const closed = () => failed(new Error('the server closed the connection'))
    secured.once('error', failed)
    secured.once('close', closed)
    secured.once('secureConnect', () => {
      clearTimeout(timer)
      secured.off('error', failed)
      secured.off('close', closed)
      resolve(secured)
    })
  })
}
