import { FrameReader } from './frames.ts'
import { type Launch, startProcess } from './launch.ts'
import type { SigningAnswer, SigningRequest } from './protocol.ts'
import { decodeAnswer, encodeRequest, frameKind } from './wire.ts'

export type LineOptions = {
  readonly answerTimeoutMs: number
  readonly maxWaiting: number
  readonly onReady: () => void
  /** Called once, when the process is gone and every request has its answer. */
  readonly onEnd: (how: string) => void
}

type Waiting = { readonly resolve: (answer: SigningAnswer) => void; readonly deadline: number }

/** A signer that does not read this many octets is stuck: no more requests are taken until it does. */
const maxUnread = 32 * 1024 * 1024
const killAfterMs = 2000

/** One signer process and the pipe to it. When the process ends, it is over. */
export class SignerLine {
  readonly #options: LineOptions
  readonly #process: ReturnType<typeof startProcess>
  readonly #reader = new FrameReader()
  /** In the order in which they were asked, so the first has the earliest deadline. */
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #lastId = 0
  #outgoing: Buffer[] = []
  #sweep: NodeJS.Timeout | null = null

  constructor(launch: Launch, options: LineOptions) {
    this.#options = options
    this.#process = startProcess(launch)
    this.#process.stdout.on('data', (chunk: Buffer) => this.#read(chunk))
    // A broken pipe is followed by the end of the process, and that is what counts.
    this.#process.stdin.on('error', () => undefined)
    this.#process.stdout.on('error', () => undefined)
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.#sweep !== null) clearInterval(this.#sweep)
        this.#answerAll('the signer went away')
        resolve()
        options.onEnd(how)
      }
      this.#process.once('error', (error) => end(error.message))
      this.#process.once('close', (code, signal) => end(signal ?? `exit code ${code}`))
    })
  }

  get pid(): number | null {
    return this.#process.pid ?? null
  }

  ask(request: SigningRequest): Promise<SigningAnswer> {
    if (this.#waiting.size >= this.#options.maxWaiting || this.#process.stdin.writableLength > maxUnread) {
      return Promise.resolve({ kind: 'unavailable', reason: 'too many requests wait for the signer' })
    }
    const id = this.#nextId()
    const frame = encodeRequest(id, request)
    return new Promise((resolve) => {
      this.#waiting.set(id, { resolve, deadline: performance.now() + this.#options.answerTimeoutMs })
      this.#sweep ??= setInterval(() => this.#expire(), Math.min(this.#options.answerTimeoutMs, 250)).unref()
      this.tell(frame)
    })
  }

  /** Sends a frame with all others of this turn of the event loop. */
  tell(frame: Buffer): void {
    this.#outgoing.push(frame)
    if (this.#outgoing.length === 1) setImmediate(() => this.#flush())
  }

  /** Closes the pipe, which ends the process; kills it when that takes long. */
  close(): Promise<void> {
    this.#flush()
    this.#process.stdin.end()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), killAfterMs)
    return this.#ended.finally(() => clearTimeout(timer))
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#waiting.has(this.#lastId))
    return this.#lastId
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return
    const batch = this.#outgoing
    this.#outgoing = []
    if (this.#process.stdin.writable) this.#process.stdin.write(batch.length === 1 ? batch[0] : Buffer.concat(batch))
  }

  #read(chunk: Buffer): void {
    const frames = this.#reader.push(chunk)
    if (frames === null) return this.#giveUp()
    for (const { kind, payload } of frames) {
      if (kind === frameKind.ready) {
        this.#options.onReady()
        continue
      }
      const answered = kind === frameKind.answer ? decodeAnswer(payload) : null
      if (answered === null) return this.#giveUp()
      this.#waiting.get(answered.id)?.resolve(answered.answer)
      this.#waiting.delete(answered.id)
    }
  }

  /** What comes is not of this protocol: nothing that this process says can be believed any more. */
  #giveUp(): void {
    this.#process.stdout.removeAllListeners('data').resume()
    this.#process.kill('SIGKILL')
  }

  #expire(): void {
    const now = performance.now()
    for (const [id, { resolve, deadline }] of this.#waiting) {
      if (deadline > now) return
      this.#waiting.delete(id)
      resolve({ kind: 'unavailable', reason: 'the signer did not answer in time' })
    }
  }

  #answerAll(reason: string): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { resolve } of waiting) resolve({ kind: 'unavailable', reason })
  }
}
