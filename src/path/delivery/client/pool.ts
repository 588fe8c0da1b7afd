import type { Target } from '../routing/targets.ts'
import type { DeliverySettings } from '../settings.ts'
import type { ClientSession } from './session.ts'
import type { Wire } from './wire.ts'

type Resting = { readonly session: ClientSession; readonly timer: NodeJS.Timeout }

export type PoolOptions = {
  readonly timeouts: DeliverySettings['timeouts']
  /** What connections of a passage may do; `idle` in milliseconds. */
  readonly limitOf: (passage: string) => { readonly messagesPerConnection: number; readonly idle: number }
}

/** At most this many connections rest at once, all servers together. */
const maxResting = 200

/**
 * Sessions that wait for their next mail, by passage (our address and their site), server, port and the protection that was wanted. One
 * that rests too long, that did its share, or that the server disturbs is closed.
 */
export class SessionPool {
  readonly #options: PoolOptions
  readonly #resting = new Map<string, Resting[]>()
  readonly #restingOn = new Map<string, Set<Resting>>()
  readonly #leaving = new Map<string, Set<Promise<void>>>()
  readonly #wires = new Map<Wire, string>()
  #count = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** The session that rested the shortest, or null. */
  take(passage: string, target: Target, wanted: Pick<ClientSession['wanted'], 'key'>): ClientSession | null {
    const key = keyOf(passage, target, wanted.key)
    const resting = this.#resting.get(key)?.at(-1)
    if (resting === undefined) return null
    this.#remove(key, passage, resting)
    return resting.session
  }

  /** Remembers an open connection until it is over, so that all of them can be ended. */
  watch(wire: Wire, passage: string): void {
    for (const known of this.#wires.keys()) if (known.isBroken) this.#wires.delete(known)
    this.#wires.set(wire, passage)
  }

  /**
   * Ends connections of the passage that rest, and waits for those that are being ended, until what is open beside `busy` ones stays
   * within the limit: the server counts them all.
   */
  async makeRoom(passage: string, busy: number, limit: number): Promise<void> {
    for (;;) {
      const resting = this.#restingOn.get(passage)
      const leaving = this.#leaving.get(passage)
      if (busy + (resting?.size ?? 0) + (leaving?.size ?? 0) <= limit) return
      const [oldest] = resting ?? []
      if (oldest !== undefined) {
        this.#remove(keyOfSession(passage, oldest.session), passage, oldest)
        this.quit(oldest.session)
        continue
      }
      const [first] = leaving ?? []
      if (first === undefined) return
      await first
    }
  }

  /** Puts a session to rest, or takes leave of it. */
  giveBack(session: ClientSession): void {
    const { wire } = session
    const passage = this.#wires.get(wire) ?? ''
    const { messagesPerConnection, idle } = this.#options.limitOf(passage)
    const spent = session.transactions >= messagesPerConnection
    if (this.#closed || spent || wire.isBroken || wire.isNoisy || this.#count >= maxResting) {
      this.quit(session)
      return
    }
    const key = keyOfSession(passage, session)
    const timer = setTimeout(() => {
      this.#remove(key, passage, resting)
      this.quit(session)
    }, idle)
    timer.unref()
    const resting = { session, timer }
    this.#resting.set(key, [...(this.#resting.get(key) ?? []), resting])
    setFor(this.#restingOn, passage).add(resting)
    this.#count++
    wire.onDisturbed(() => {
      this.#remove(key, passage, resting)
      wire.fail('closed', 'the server spoke or left while the connection rested')
    })
  }

  /** QUIT, and a moment for the server to hear it (RFC 5321 §4.1.1.10). */
  quit(session: ClientSession): void {
    const { wire } = session
    const passage = this.#wires.get(wire) ?? ''
    const over = () => {
      this.#wires.delete(wire)
      wire.fail('closed', 'done')
    }
    if (wire.isBroken) return over()
    wire.onDisturbed(() => {})
    wire.send('QUIT\r\n')
    const left = wire.reply(this.#options.timeouts.quit).then(over, over)
    setFor(this.#leaving, passage).add(left)
    void left.then(() => drop(this.#leaving, passage, left))
  }

  /** Takes leave of all that rest; what is given back from now on is not kept. */
  close(): void {
    this.#closed = true
    for (const [key, list] of this.#resting) {
      for (const resting of list) {
        this.#remove(key, this.#wires.get(resting.session.wire) ?? '', resting)
        this.quit(resting.session)
      }
    }
  }

  /** Ends every connection at once, whatever is on it. */
  abort(): void {
    this.close()
    for (const wire of this.#wires.keys()) wire.fail('aborted', 'the relay is stopping')
    this.#wires.clear()
  }

  #remove(key: string, passage: string, resting: Resting): void {
    const list = this.#resting.get(key)
    if (list === undefined || !list.includes(resting)) return
    clearTimeout(resting.timer)
    resting.session.wire.onDisturbed(() => {})
    this.#count--
    const rest = list.filter((one) => one !== resting)
    if (rest.length === 0) this.#resting.delete(key)
    else this.#resting.set(key, rest)
    drop(this.#restingOn, passage, resting)
  }
}

function setFor<Value>(sets: Map<string, Set<Value>>, key: string): Set<Value> {
  const known = sets.get(key)
  if (known !== undefined) return known
  const fresh = new Set<Value>()
  sets.set(key, fresh)
  return fresh
}

function drop<Value>(sets: Map<string, Set<Value>>, key: string, value: Value): void {
  const set = sets.get(key)
  set?.delete(value)
  if (set?.size === 0) sets.delete(key)
}

function keyOfSession(passage: string, { target, wanted }: ClientSession): string {
  return keyOf(passage, target, wanted.key)
}

function keyOf(passage: string, target: Target, protection: string): string {
  return `${passage}|${target.address}|${target.port}|${protection}|${target.name}`
}
