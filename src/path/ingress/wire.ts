import type { Socket } from 'node:net'
import { findLineEndingFault } from '../../standards/smtp/line-endings.ts'
import { verbOf } from '../../standards/smtp/command.ts'

const LF = 0x0a
const CR = 0x0d
const nothing: Buffer = Buffer.alloc(0)

/** No command has a lower limit (RFC 5321 §4.5.3.1.4). */
const leastLimit = 512

/** An overlong line is got past within this; beyond it nobody is speaking SMTP. */
const maxDiscardedOctets = 65_536

/** Why nothing more will be read: the client left, was too slow, or we are stopping. */
export type Stop = 'gone' | 'timeout' | 'shutdown'

export type LineRead =
  /** Without its CRLF. */
  | { readonly kind: 'line'; readonly line: Buffer }
  /** `resumable`: its end was found, so the next line is one. */
  | { readonly kind: 'too-long'; readonly resumable: boolean }
  /** A bare CR, a bare LF or a NUL. */
  | { readonly kind: 'line-endings' }
  | { readonly kind: 'stopped'; readonly stop: Stop }

export type ChunkRead =
  | { readonly kind: 'chunk'; readonly chunk: Buffer }
  | { readonly kind: 'stopped'; readonly stop: Stop }

/**
 * One client's socket as a conversation sees it: lines or chunks in, replies out. Input is taken only while somebody waits for it, so that
 * a busy server pushes back on the network; replies are gathered and written when input runs out (RFC 2920 §3.2). Time is
 * judged from outside, by `enforceDeadline`.
 */
export class Wire {
  #socket: Socket
  #input: Buffer = nothing
  /** How much of `#input` was searched for a line end, and found in order. */
  #searched = 0
  #outgoing = ''
  #wake: (() => void) | null = null
  #mayInterrupt = false
  #handshaking = false
  #stop: Stop | null = null
  #ended = false
  #paused = false
  #deadline = Number.POSITIVE_INFINITY

  /** Resolves when the socket is closed, whoever closed it. */
  readonly closed: Promise<void>

  constructor(socket: Socket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve())
    })
    this.#listen(socket)
  }

  /** Whether the client sent something that nobody has read yet. */
  get hasInput(): boolean {
    return this.#input.length > 0 || this.#socket.readableLength > 0
  }

  /** Queues a reply in its wire form. */
  say(text: string): void {
    this.#outgoing += text
  }

  flush(): void {
    if (this.#outgoing === '') return
    const text = this.#outgoing
    this.#outgoing = ''
    if (this.#stop !== 'gone' && this.#socket.writable) this.#socket.write(text, 'latin1')
  }

  /** The next line, of at most `limit(verb)` octets with its CRLF, all of it within `timeoutMs`. */
  async readLine(limit: (verb: string) => number, timeoutMs: number): Promise<LineRead> {
    const started = performance.now()
    let discarded = 0
    for (;;) {
      const end = this.#input.indexOf(LF, this.#searched)
      const to = end === -1 ? this.#input.length : end + 1
      const afterCr = this.#searched > 0 && this.#input[this.#searched - 1] === CR
      if (findLineEndingFault(this.#input, this.#searched, to, afterCr) !== -1) return { kind: 'line-endings' }
      this.#searched = to
      if (end !== -1) {
        const line = this.#take(end + 1)
        if (discarded > 0 || isTooLong(line, limit)) return { kind: 'too-long', resumable: true }
        return { kind: 'line', line: line.subarray(0, -2) }
      }
      if (discarded > 0 || isTooLong(this.#input, limit)) discarded += this.#discardLine()
      if (discarded > maxDiscardedOctets) return { kind: 'too-long', resumable: false }
      const stop = await this.#moreBetweenMessages(started + timeoutMs)
      if (stop !== null) return { kind: 'stopped', stop }
    }
  }

  /** Whatever has come in, once something has; `deadline` is in the time of `performance.now()`. */
  async readChunk(deadline: number): Promise<ChunkRead> {
    while (this.#input.length === 0) {
      const stop = await this.#more(deadline)
      if (stop !== null) return { kind: 'stopped', stop }
    }
    return { kind: 'chunk', chunk: this.#take(this.#input.length) }
  }

  /** The same for what comes before any command: a stop ends this wait. */
  async readOpening(deadline: number): Promise<ChunkRead> {
    if (this.#input.length > 0) return { kind: 'chunk', chunk: this.#take(this.#input.length) }
    const stop = await this.#moreBetweenMessages(deadline)
    return stop === null ? { kind: 'chunk', chunk: this.#take(this.#input.length) } : { kind: 'stopped', stop }
  }

  /** Gives back what was read too much. */
  unread(rest: Buffer): void {
    this.#input = rest
    this.#searched = 0
  }

  /** Ends a wait for a line; a client in the middle of something else is left to finish. */
  interrupt(): void {
    if (this.#mayInterrupt) this.#halt('shutdown')
    if (this.#handshaking) this.#socket.destroy()
  }

  enforceDeadline(now: number): void {
    if (now >= this.#deadline) this.#halt('timeout')
  }

  /** Lets go of the socket, so that TLS can take it over; `adopt` goes on with what came of it. */
  release(): Socket {
    this.flush()
    this.#handshaking = true
    this.#socket.removeAllListeners('data')
    this.#socket.removeAllListeners('end')
    return this.#socket
  }

  adopt(socket: Socket): void {
    this.#handshaking = false
    this.#socket = socket
    this.#input = nothing
    this.#searched = 0
    this.#paused = false
    this.#listen(socket)
  }

  /**
   * Says what is left to say and ends. What still comes in is thrown away for `lingerMs`: a socket closed over unread input
   * is reset, and the client would lose our last reply.
   */
  async close(lingerMs: number): Promise<void> {
    this.flush()
    const socket = this.#socket
    if (socket.destroyed) return
    socket.removeAllListeners('data')
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), lingerMs)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.once('end', () => socket.destroySoon())
      if (this.#ended) socket.destroySoon()
      else socket.end()
      socket.resume()
    })
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => {
      this.#ended = true
      this.#signal()
    })
    // Every trouble of a socket ends in 'close'; what it was changes nothing for us.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#halt('gone'))
    socket.on('drain', () => this.#signal())
  }

  #receive(chunk: Buffer): void {
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk])
    if (this.#wake !== null) {
      this.#signal()
    } else if (!this.#paused) {
      this.#paused = true
      this.#socket.pause()
    }
  }

  #take(octets: number): Buffer {
    const taken = this.#input.subarray(0, octets)
    this.#input = octets === this.#input.length ? nothing : this.#input.subarray(octets)
    this.#searched = 0
    return taken
  }

  /** Forgets the beginning of an overlong line, but for the octet that tells whether a LF comes after a CR. */
  #discardLine(): number {
    const octets = this.#input.length - 1
    if (octets <= 0) return 0
    this.#input = Buffer.from(this.#input.subarray(-1))
    this.#searched = 1
    return octets
  }

  async #moreBetweenMessages(deadline: number): Promise<Stop | null> {
    this.#mayInterrupt = true
    const stop = await this.#more(deadline)
    this.#mayInterrupt = false
    return stop
  }

  /** Waits for input, or for a reason to stop. */
  async #more(deadline: number): Promise<Stop | null> {
    this.flush()
    const length = this.#input.length
    for (;;) {
      if (this.#stop !== null) return this.#stop
      if (this.#input.length > length) return null
      if (this.#ended) return 'gone'
      this.#deadline = deadline
      // A client that does not read its replies is not read from either.
      if (this.#paused && !this.#socket.writableNeedDrain) {
        this.#paused = false
        this.#socket.resume()
      } else if (!this.#paused && this.#socket.writableNeedDrain) {
        this.#paused = true
        this.#socket.pause()
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#deadline = Number.POSITIVE_INFINITY
    }
  }

  #halt(stop: Stop): void {
    this.#stop ??= stop
    this.#signal()
  }

  #signal(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}

function isTooLong(line: Buffer, limit: (verb: string) => number): boolean {
  return line.length > leastLimit && line.length > limit(verbOf(line))
}
