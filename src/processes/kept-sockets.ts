import type { SendHandle } from 'node:child_process'
import type { Config } from '../config/index.ts'
import { type DoorWay, type RelayName, relayNames } from './messages.ts'

/** A bare listening socket: nobody accepts from it here. */
type Socket = SendHandle & { close(): void }

/** One listener of the configuration, and the sockets by which the relays share its port. */
type Door = {
  readonly place: string
  port: number | null
  /** Who is finding out whether the port can be had. */
  opener: RelayName | null
  readonly waiting: Set<RelayName>
  readonly sockets: Map<RelayName, Socket>
}

/**
 * The listening sockets of several relays on one port, one for each. The kernel spreads connections over them; a copy of each stays
 * here, so that those which come while a relay is away wait for the next process of its name and none is lost.
 */
export class KeptSockets {
  readonly #tell: (to: RelayName, name: string, way: DoorWay, socket?: SendHandle) => void
  readonly #doors = new Map<string, Door>()

  constructor(tell: (to: RelayName, name: string, way: DoorWay, socket?: SendHandle) => void) {
    this.#tell = tell
  }

  /** A relay asks how to open a listener; it is told now, or as soon as another has found out whether the port can be had. */
  wanted(relay: RelayName, name: string, config: Config): void {
    const door = this.#doorOf(name, config)
    const kept = door.sockets.get(relay)
    if (kept !== undefined) return this.#tell(relay, name, { way: 'kept' }, kept)
    if (door.port !== null) return this.#tell(relay, name, { way: 'beside', port: door.port })
    if (door.opener !== null && door.opener !== relay) return void door.waiting.add(relay)
    door.opener = relay
    this.#tell(relay, name, { way: 'first' })
  }

  opened(relay: RelayName, name: string, port: number, socket: unknown): void {
    const door = this.#doors.get(name)
    if (!isSocket(socket)) return
    // The configuration has changed meanwhile.
    if (door === undefined) return socket.close()
    door.sockets.get(relay)?.close()
    door.sockets.set(relay, socket)
    door.port = port
    door.opener = null
    for (const other of door.waiting) this.#tell(other, name, { way: 'beside', port })
    door.waiting.clear()
  }

  /** A relay died: where it was finding out, the next does. */
  left(relay: RelayName): void {
    for (const [name, door] of this.#doors) {
      door.waiting.delete(relay)
      if (door.opener !== relay) continue
      const [next] = door.waiting
      door.opener = next ?? null
      if (next === undefined) continue
      door.waiting.delete(next)
      this.#tell(next, name, { way: 'first' })
    }
  }

  /** Closes what a configuration has no use for. */
  keepFor(config: Config): void {
    const relays = new Set(relayNames(config.workers))
    for (const [name, door] of this.#doors) {
      if (config.workers === 1 || placeOf(name, config) !== door.place) this.#drop(name, door)
      for (const [relay, socket] of door.sockets) {
        if (relays.has(relay)) continue
        socket.close()
        door.sockets.delete(relay)
      }
    }
  }

  /** From now on a connection is refused as soon as no relay listens. */
  close(): void {
    for (const [name, door] of this.#doors) this.#drop(name, door)
  }

  #drop(name: string, door: Door): void {
    for (const socket of door.sockets.values()) socket.close()
    this.#doors.delete(name)
  }

  #doorOf(name: string, config: Config): Door {
    const known = this.#doors.get(name)
    if (known !== undefined) return known
    const door = {
      place: placeOf(name, config),
      port: null,
      opener: null,
      waiting: new Set<RelayName>(),
      sockets: new Map(),
    }
    this.#doors.set(name, door)
    return door
  }
}

/** As configured: a port of 0 stays what it was given. */
function placeOf(name: string, { listeners }: Config): string {
  const one = listeners.find((listener) => listener.name === name)
  return one === undefined ? '' : `${one.host} ${one.port}`
}

function isSocket(value: unknown): value is Socket {
  return typeof value === 'object' && value !== null && 'close' in value
}
