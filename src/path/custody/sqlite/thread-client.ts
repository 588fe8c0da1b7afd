import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../../platform/log.ts'
import { CustodyError } from '../custody-error.ts'
import type { Answered, FromThread, Group, ToThread } from './thread-protocol.ts'

/** One group holds at most so many requests and, beyond its first request, so many octets. */
const groupRequests = 1024
const groupBytes = 16 * 1_048_576

const firstBackOffMs = 100
const longestBackOffMs = 10_000

type Waiting<Request> = {
  readonly request: Request
  readonly bytes: readonly Uint8Array[]
  readonly size: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: CustodyError) => void
}

export type ThreadOptions<Opened> = {
  readonly name: string
  readonly module: URL
  /** What the thread is started with; `again` after it died. */
  readonly data: (again: boolean) => unknown
  readonly log: Log
  readonly onOpened: (opened: Opened) => void
}

/**
 * A thread and its requests. One group is in the hands of the thread at a time; all that is asked meanwhile makes the next
 * group, so a slow disk makes groups larger and an idle one makes nobody wait.
 */
export class ThreadClient<Request, Opened> {
  readonly #options: ThreadOptions<Opened>
  #worker: Worker | null = null
  #waiting: Waiting<Request>[] = []
  #flying: readonly Waiting<Request>[] = []
  #scheduled = false
  #closing: (() => void) | null = null
  #closed = false
  #backOffMs = firstBackOffMs

  constructor(options: ThreadOptions<Opened>) {
    this.#options = options
  }

  /** Starts the thread; rejects with its reason when it cannot open the shard. */
  async open(again = false): Promise<void> {
    // Flags of the process, such as a program text on its command line, are not for its threads.
    const worker = new Worker(this.#options.module, { workerData: this.#options.data(again), execArgv: [] })
    await new Promise<void>((resolve, reject) => {
      let failure = new CustodyError('unavailable', `the custody ${this.#options.name} ended before it began`)
      worker.on('message', (message: FromThread<Opened>) => {
        if ('answers' in message) this.#answered(message.answers)
        else if ('opened' in message) {
          this.#worker = worker
          this.#options.onOpened(message.opened)
          resolve()
        } else failure = new CustodyError('disk', message.failed.message, message.failed.code)
      })
      worker.on('error', (error) => {
        failure = new CustodyError('unavailable', `the custody ${this.#options.name} died`, null, error)
      })
      worker.on('exit', () => {
        reject(failure)
        this.#ended(worker, failure)
      })
    })
  }

  /** Asks with bytes that go with the request, which must not change until the answer. */
  ask(request: Request, bytes: readonly Uint8Array[] = []): Promise<unknown> {
    if (this.#worker === null || this.#closed) {
      return Promise.reject(new CustodyError('unavailable', `the custody ${this.#options.name} is not running`))
    }
    let size = 0
    for (const piece of bytes) size += piece.byteLength
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, bytes, size, resolve, reject })
      this.#schedule()
    })
  }

  /** Finishes what was asked and ends the thread. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#worker === null) return
    await new Promise<void>((resolve) => {
      this.#closing = resolve
      this.#closeWhenDone()
    })
  }

  /** All that is asked in one turn of the event loop goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#flying.length > 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  #send(): void {
    if (this.#worker === null || this.#flying.length > 0 || this.#waiting.length === 0) return
    const group = this.#takeGroup()
    this.#flying = group
    const message = packed(group)
    const transfer = message.bytes === null ? [] : [message.bytes.buffer as ArrayBuffer]
    this.#worker.postMessage(message satisfies ToThread<Request>, transfer)
  }

  #takeGroup(): Waiting<Request>[] {
    let count = 0
    let bytes = 0
    for (const { size } of this.#waiting) {
      if (count === groupRequests || (count > 0 && bytes + size > groupBytes)) break
      count += 1
      bytes += size
    }
    return this.#waiting.splice(0, count)
  }

  #answered(answers: readonly Answered[]): void {
    const group = this.#flying
    this.#flying = []
    this.#backOffMs = firstBackOffMs
    this.#send()
    for (const [index, { resolve, reject }] of group.entries()) {
      const answer = answers[index]
      if (answer !== undefined && 'value' in answer) resolve(answer.value)
      else reject(errorOf(answer))
    }
    this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (this.#closing === null || this.#flying.length > 0 || this.#waiting.length > 0) return
    this.#worker?.postMessage('close' satisfies ToThread<Request>)
  }

  #ended(worker: Worker, failure: CustodyError): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const lost = [...this.#flying, ...this.#waiting]
    this.#flying = []
    this.#waiting = []
    for (const { reject } of lost) reject(failure)
    this.#closing?.()
    if (!this.#closed) void this.#reopen(failure)
  }

  async #reopen(failure: CustodyError): Promise<void> {
    const { log, name } = this.#options
    log.error(`the custody ${name} ended and is started again`, { error: failure.cause ?? failure })
    while (!this.#closed) {
      await pause(this.#backOffMs, undefined, { ref: false })
      this.#backOffMs = Math.min(this.#backOffMs * 2, longestBackOffMs)
      if (this.#closed) return
      try {
        await this.open(true)
        if (this.#closed) this.#worker?.postMessage('close' satisfies ToThread<Request>)
        return
      } catch (error) {
        log.error(`the custody ${name} could not be started again`, { error })
      }
    }
  }
}

/** Copies the bytes of a group into one piece of memory, which changes hands without another copy. */
function packed<Request>(group: readonly Waiting<Request>[]): Group<Request> {
  let total = 0
  const bases = group.map(({ size }) => {
    const base = total
    total += size
    return base
  })
  const requests = group.map(({ request }) => request)
  if (total === 0) return { requests, bases, bytes: null }
  const bytes = Buffer.allocUnsafeSlow(total)
  let at = 0
  for (const waiting of group) {
    for (const piece of waiting.bytes) {
      bytes.set(piece, at)
      at += piece.byteLength
    }
  }
  return { requests, bases, bytes }
}

function errorOf(answer: Answered | undefined): CustodyError {
  if (answer === undefined || !('error' in answer)) return new CustodyError('unavailable', 'the custody gave no answer')
  const { message, code, damaged } = answer.error
  return new CustodyError(damaged === null ? 'disk' : 'damaged', message, code)
}
