import type { Target } from '../routing/targets.ts'
import type { DeliverySettings } from '../settings.ts'
import type { ClientSession } from './session.ts'
import type { Wire } from './wire.ts'

type Resting = { readonly session: ClientSession; readonly timer: NodeJS.Timeout }

/** At most this many connections rest at once, all servers together. */
const maxResting = 200

/**
 * Sessions that wait for their next mail, by our address, server, port and the protection that was wanted. One that rests too long,
 * that did its share, or that the server disturbs is closed.
 */
export class SessionPool {
  readonly #settings: Pick<DeliverySettings, 'idleConnection' | 'messagesPerConnection' | 'timeouts'>
  readonly #resting = new Map<string, Resting[]>()
  readonly #wires = new Set<Wire>()
  #count = 0
  #closed = false

  constructor(settings: Pick<DeliverySettings, 'idleConnection' | 'messagesPerConnection' | 'timeouts'>) {
    this.#settings = settings
  }

  /** The session that rested the shortest, or null. */
  take(
    target: Target,
    wanted: Pick<ClientSession['wanted'], 'key'>,
    localAddress: string | null,
  ): ClientSession | null {
    const key = keyOf(target, wanted.key, localAddress)
    const resting = this.#resting.get(key)?.at(-1)
    if (resting === undefined) return null
    this.#remove(key, resting)
    return resting.session
  }

  /** Remembers an open connection until it is over, so that all of them can be ended. */
  watch(wire: Wire): void {
    for (const known of this.#wires) if (known.isBroken) this.#wires.delete(known)
    this.#wires.add(wire)
  }

  /** Puts a session to rest, or takes leave of it. */
  giveBack(session: ClientSession): void {
    const { wire } = session
    const spent = session.transactions >= this.#settings.messagesPerConnection
    if (this.#closed || spent || wire.isBroken || wire.isNoisy || this.#count >= maxResting) {
      this.quit(session)
      return
    }
    const key = keyOf(session.target, session.wanted.key, session.localAddress)
    const timer = setTimeout(() => {
      this.#remove(key, resting)
      this.quit(session)
    }, this.#settings.idleConnection)
    timer.unref()
    const resting = { session, timer }
    this.#resting.set(key, [...(this.#resting.get(key) ?? []), resting])
    this.#count++
    wire.onDisturbed(() => {
      this.#remove(key, resting)
      wire.fail('closed', 'the server spoke or left while the connection rested')
    })
  }

  /** QUIT, and a moment for the server to hear it (RFC 5321 §4.1.1.10); nobody waits for that. */
  quit(session: ClientSession): void {
    const { wire } = session
    const over = () => {
      this.#wires.delete(wire)
      wire.fail('closed', 'done')
    }
    if (wire.isBroken) return over()
    wire.onDisturbed(() => {})
    wire.send('QUIT\r\n')
    wire.reply(this.#settings.timeouts.quit).then(over, over)
  }

  /** Takes leave of all that rest; what is given back from now on is not kept. */
  close(): void {
    this.#closed = true
    for (const [key, list] of this.#resting) {
      for (const resting of list) {
        this.#remove(key, resting)
        this.quit(resting.session)
      }
    }
  }

  /** Ends every connection at once, whatever is on it. */
  abort(): void {
    this.close()
    for (const wire of this.#wires) wire.fail('aborted', 'the relay is stopping')
    this.#wires.clear()
  }

  #remove(key: string, resting: Resting): void {
    const list = this.#resting.get(key)
    if (list === undefined || !list.includes(resting)) return
    clearTimeout(resting.timer)
    resting.session.wire.onDisturbed(() => {})
    this.#count--
    const rest = list.filter((one) => one !== resting)
    if (rest.length === 0) this.#resting.delete(key)
    else this.#resting.set(key, rest)
  }
}

function keyOf(target: Target, protection: string, localAddress: string | null): string {
  return `${localAddress}|${target.address}|${target.port}|${protection}|${target.name}`
}
