import type { EventFeed, FedEvent } from '../../doors/operations/events.ts'
import type { QueueOperations } from '../../doors/operations/queue.ts'
import type { StoredEvent } from '../../rooms/ledger/index.ts'
import { inWords } from './events-in-words.ts'

/** Events that are kept for who comes back. */
const mostKept = 2_000
const mostListeners = 100

/** How often the counts are looked at while somebody listens, in milliseconds. */
const countEveryMs = 1_000

type Listener = { readonly customer: string | null; readonly send: (event: FedEvent) => void }

/** Follows the ledger and tells what it takes to whoever listens. While nobody does, it only keeps the last events. */
export class LiveEvents implements EventFeed {
  readonly #counts: QueueOperations['queueCounts']
  /** Of this run: numbers begin anew with each. */
  readonly #run = Date.now().toString(36)
  readonly #kept: StoredEvent[] = []
  readonly #listeners = new Set<Listener>()
  /** How many events there were before the first that is kept. */
  #before = 0
  #timer: NodeJS.Timeout | null = null
  #lastCounts = ''

  constructor(counts: QueueOperations['queueCounts']) {
    this.#counts = counts
  }

  /** Is given what the ledger takes. */
  readonly follow = (events: readonly StoredEvent[]): Promise<void> => {
    for (const event of events) {
      this.#kept.push(event)
      const number = this.#before + this.#kept.length
      for (const listener of this.#listeners) this.#tell(listener, event, number)
    }
    const excess = this.#kept.length - mostKept
    if (excess > 0) {
      this.#kept.splice(0, excess)
      this.#before += excess
    }
    return Promise.resolve()
  }

  listen(
    { after, customer }: { readonly after: string | null; readonly customer: string | null },
    send: (event: FedEvent) => void,
  ): (() => void) | null {
    if (this.#listeners.size >= mostListeners) return null
    const listener = { customer, send }
    if (after !== null) this.#catchUp(listener, after)
    this.#listeners.add(listener)
    this.#lastCounts = ''
    this.#timer ??= setInterval(() => void this.#tellCounts(), countEveryMs)
    this.#timer.unref()
    void this.#tellCounts()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0 || this.#timer === null) return
      clearInterval(this.#timer)
      this.#timer = null
    }
  }

  #catchUp(listener: Listener, after: string): void {
    const [run, text] = after.split('-')
    const number = Number(text)
    const isKnown = run === this.#run && Number.isSafeInteger(number) && number >= this.#before
    if (!isKnown || number > this.#before + this.#kept.length) {
      listener.send({ id: `${this.#run}-${this.#before + this.#kept.length}`, event: 'reset', data: {} })
      return
    }
    for (const [at, event] of this.#kept.slice(number - this.#before).entries())
      this.#tell(listener, event, number + at + 1)
  }

  #tell({ customer, send }: Listener, event: StoredEvent, number: number): void {
    if (customer !== null && event.customer !== customer) return
    const { lines: _lines, ...told } = inWords(event)
    const { id, customer: whose, source } = event
    send({ id: `${this.#run}-${number}`, event: 'message', data: { id, customer: whose, source, ...told } })
  }

  /** Only when they changed; a relay that is away has no counts for the moment. */
  async #tellCounts(): Promise<void> {
    const counts = await this.#counts().catch(() => null)
    const text = JSON.stringify(counts)
    if (counts === null || text === this.#lastCounts) return
    this.#lastCounts = text
    for (const { send } of this.#listeners) send({ id: null, event: 'counts', data: counts })
  }
}
