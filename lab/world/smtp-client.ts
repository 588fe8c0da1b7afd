import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { TLSSocket, connect as connectTls } from 'node:tls'
import { mustBeLoopback } from './loopback.ts'

/** A reply as the client saw it: the code, and its lines without the code. */
export type SmtpReply = { readonly code: number; readonly text: string }

export type SmtpClientOptions = {
  readonly host: string
  readonly port: number
  /** The loopback address that the connection comes from: it plays a host of the outside world. */
  readonly from: string
  readonly greeting: string
  /** STARTTLS is used when given; `key` and `cert` (PEM) are presented when the server asks. */
  readonly tls?: { readonly key?: string; readonly cert?: string }
}

/**
 * A client that sends exactly the octets it is told to, well-formed or not. Loopback only: the lab plays attacks.
 */
export class SmtpClient {
  #socket: Socket | TLSSocket
  #received = ''
  #ended = false
  #wake: (() => void) | null = null
  readonly #options: SmtpClientOptions

  private constructor(socket: Socket, options: SmtpClientOptions) {
    this.#socket = socket
    this.#options = options
    this.#attach()
  }

  /** Connects, reads the greeting, says EHLO and, when asked, STARTTLS and EHLO again. */
  static async open(options: SmtpClientOptions): Promise<SmtpClient> {
    for (const address of [options.host, options.from]) mustBeLoopback(address)
    const socket = connect({ host: options.host, port: options.port, localAddress: options.from })
    await once(socket, 'connect')
    const client = new SmtpClient(socket, options)
    await client.reply()
    await client.command(`EHLO ${options.greeting}`)
    if (options.tls !== undefined) {
      await client.startTls()
      await client.command(`EHLO ${options.greeting}`)
    }
    return client
  }

  async startTls(): Promise<void> {
    const answer = await this.command('STARTTLS')
    if (answer.code !== 220) throw new Error(`STARTTLS was answered ${answer.code} ${answer.text}`)
    this.#socket.removeAllListeners()
    const { key, cert } = this.#options.tls ?? {}
    const options = {
      socket: this.#socket,
      rejectUnauthorized: false,
      ...(key === undefined || cert === undefined ? {} : { key, cert }),
    }
    const secure = connectTls(options)
    await once(secure, 'secureConnect')
    this.#socket = secure
    this.#received = ''
    this.#attach()
  }

  /** The name in the certificate that the server showed after STARTTLS. */
  serverName(): string {
    const subject = this.#socket instanceof TLSSocket ? this.#socket.getPeerCertificate().subject : null
    return String(subject?.CN ?? '')
  }

  async command(line: string): Promise<SmtpReply> {
    this.write(`${line}\r\n`)
    return this.reply()
  }

  write(octets: string | Buffer): void {
    if (!this.#ended) this.#socket.write(octets)
  }

  /** The next reply; code 0 when the server closed instead. */
  async reply(): Promise<SmtpReply> {
    for (;;) {
      const whole = /^(?:(\d{3})-[^\r\n]*\r\n)*(\d{3}) [^\r\n]*\r\n/.exec(this.#received)
      if (whole !== null) {
        this.#received = this.#received.slice(whole[0].length)
        const lines = whole[0].split('\r\n').slice(0, -1)
        return { code: Number(whole[2]), text: lines.map((line) => line.slice(4)).join('\n') }
      }
      if (this.#ended) return { code: 0, text: 'connection closed' }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** One whole transaction; the reply is the first that is not as hoped, or the one to the end of data. */
  async send(mail: {
    readonly mailFrom: string
    readonly recipients: readonly string[]
    readonly message: string | Buffer
    readonly parameters?: string
  }): Promise<SmtpReply> {
    const from = await this.command(
      `MAIL FROM:<${mail.mailFrom}>${mail.parameters === undefined ? '' : ` ${mail.parameters}`}`,
    )
    if (from.code !== 250) return from
    for (const recipient of mail.recipients) {
      const to = await this.command(`RCPT TO:<${recipient}>`)
      if (to.code !== 250) return to
    }
    const data = await this.command('DATA')
    if (data.code !== 354) return data
    this.write(stuffed(mail.message))
    return this.reply()
  }

  async quit(): Promise<void> {
    if (!this.#ended) await this.command('QUIT')
    this.#socket.destroy()
  }

  #attach(): void {
    this.#socket.on('data', (data: Buffer) => {
      this.#received += data.toString('latin1')
      this.#wake?.()
    })
    const end = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    this.#socket.on('close', end)
    this.#socket.on('error', end)
  }
}

/** The message with dots stuffed and the terminating line (RFC 5321 §4.5.2). */
function stuffed(message: string | Buffer): Buffer {
  const text = message.toString('latin1')
  const body = text.replace(/(^|\r\n)\./g, '$1..')
  return Buffer.from(`${body}${body.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1')
}
