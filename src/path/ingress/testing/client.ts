import { type Socket, connect } from 'node:net'
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from 'node:tls'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { ReplyReader } from '../../../standards/smtp/reply-reader.ts'
import type { Reply } from '../../../standards/smtp/reply.ts'

const patienceMs = 10_000

/** A client that says exactly what it is told to, over a real socket. */
export class TestClient {
  #socket: Socket
  #reader = new ReplyReader()
  readonly #replies: Reply[] = []
  #wake: (() => void) | null = null
  #closed = false
  #ended = false
  /** Chunks that arrived, to see how replies were grouped. */
  chunks = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#listen(socket)
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<TestClient> {
    const socket = connect({ port, host, noDelay: true, allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new TestClient(socket)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get socket(): Socket {
    return this.#socket
  }

  /** Writes octets as they are. */
  raw(octets: string | Buffer): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets)
  }

  /** Writes octets one segment each. */
  async drip(octets: string | Buffer): Promise<void> {
    for (const octet of typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets) {
      this.#socket.write(Buffer.from([octet]))
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
  }

  /** The next reply; throws when the server closes or says nothing for too long. */
  async reply(): Promise<Reply> {
    await this.#until(() => this.#replies.length > 0 || this.#closed || this.#ended)
    const next = this.#replies.shift()
    if (next === undefined) throw new Error('the server closed without a reply')
    return next
  }

  /** The next reply as `CODE X.Y.Z`, or the code alone. */
  async code(): Promise<string> {
    const { code, enhanced } = await this.reply()
    return enhanced === null ? String(code) : `${code} ${enhanced}`
  }

  /** Says one line and returns its reply as `code()` does. */
  async say(line: string): Promise<string> {
    this.raw(`${line}\r\n`)
    return await this.code()
  }

  /** Says lines in turn, each after the reply to the one before. */
  async sayAll(...lines: readonly string[]): Promise<string[]> {
    const codes: string[] = []
    for (const line of lines) codes.push(await this.say(line))
    return codes
  }

  /** Waits until the server has closed; replies that came before are kept. */
  async closed(): Promise<void> {
    await this.#until(() => this.#ended || this.#closed)
    this.#socket.destroy()
  }

  /** Replies not yet taken. */
  get pending(): readonly Reply[] {
    return this.#replies
  }

  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    if ((await this.say('STARTTLS')) !== '220 2.0.0') throw new Error('STARTTLS was refused')
    const plain = this.#socket
    plain.removeAllListeners('data')
    const secured = connectTls({ socket: plain, rejectUnauthorized: false, ...options })
    this.#reader = new ReplyReader()
    this.#socket = secured
    this.#listen(secured)
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve)
      secured.once('error', reject)
    })
    return secured
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.chunks++
      const replies = this.#reader.push(chunk)
      if (isSyntaxFault(replies)) throw new Error(`the server does not speak SMTP: ${replies.reason}`)
      this.#replies.push(...replies)
      this.#wake?.()
    })
    socket.on('error', () => this.#wake?.())
    socket.on('end', () => {
      this.#ended = true
      this.#wake?.()
    })
    socket.on('close', () => {
      this.#closed = true
      this.#wake?.()
    })
  }

  async #until(isTrue: () => boolean): Promise<void> {
    const timeout = AbortSignal.timeout(patienceMs)
    while (!isTrue()) {
      if (timeout.aborted) throw new Error('the server said nothing for too long')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timeout.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
}
