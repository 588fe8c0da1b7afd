import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseDomain } from '../../standards/names/domain.ts'
import { type IpAddress, NetworkTable, parseIp } from '../../standards/names/ip.ts'
import { formatReply } from '../../standards/smtp/format-reply.ts'
import { reply } from '../../standards/smtp/reply.ts'
import { Conversation } from './conversation.ts'
import type { Gate, Session } from './gate.ts'
import { type ListenerOptions, defaultPatience } from './options.ts'
import { takeProxyHeader } from './proxied.ts'
import type { Service } from './step.ts'
import { serverContext } from './tls.ts'
import { Wire } from './wire.ts'

export type Listener = {
  readonly address: string
  readonly port: number
  /** The listening socket, for another process to accept from. */
  readonly socket: unknown
  /** Applies to sessions that open from now on. Host and port stay. Throws, and changes nothing, on options that can not work. */
  update(options: ListenerOptions): void
  /**
   * Stops accepting; clients that are between messages hear 421, a message on its way may finish within `graceMs`. Resolves when every socket is
   * closed.
   */
  close(graceMs: number): Promise<void>
}

/** Opens a listener. Rejects when the address can not be bound, or the hostname, certificate or key is unusable. */
export async function startListener(options: ListenerOptions, gate: Gate, log: Log, clock: Clock): Promise<Listener> {
  const doors = new Doors(options, gate, log, clock)
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => doors.enter(socket))
  await listen(server, options)
  doors.open()
  server.on('error', (error) => log.error('accepting connections failed', { cause: error.message }))
  const { address, port } = server.address() as AddressInfo
  return {
    address,
    port,
    socket: socketOf(server),
    update: (next) => doors.use(next),
    close: (graceMs) => doors.close(server, graceMs),
  }
}

function listen(server: Server, { host, port, shared = false, socket }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const open = (): void => {
      server.off('error', reject)
      resolve()
    }
    if (socket === undefined) server.listen({ host, port, reusePort: shared }, open)
    else server.listen(socket, open)
  })
}

/** Node.js passes a bare socket between processes and listens on it, but names no public way to it. */
function socketOf(server: Server): unknown {
  return (server as unknown as { readonly _handle: unknown })._handle
}

type Client = Session['client']

/** How a connection stands in the counts. */
type Entered = { countedFor: IpAddress | null; left: boolean }

class Doors {
  readonly #gate: Gate
  readonly #log: Log
  readonly #clock: Clock
  readonly #wires = new Set<Wire>()
  #service: Service
  #context: SecureContext | null
  #proxies: NetworkTable<true>
  #sweeper: NodeJS.Timeout | undefined
  #stopping = false

  constructor(options: ListenerOptions, gate: Gate, log: Log, clock: Clock) {
    this.#gate = gate
    this.#log = log
    this.#clock = clock
    this.#service = this.#serviceOf(options)
    this.#context = contextOf(options)
    this.#proxies = proxiesOf(options)
  }

  open(): void {
    clearInterval(this.#sweeper)
    this.#sweeper = this.#startSweeper()
  }

  use(options: ListenerOptions): void {
    const service = this.#serviceOf(options)
    const context = contextOf(options)
    this.#service = service
    this.#context = context
    this.#proxies = proxiesOf(options)
    this.open()
  }

  enter(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const address = parseIp(socket.remoteAddress ?? '')
    if (isSyntaxFault(address)) {
      socket.destroy()
      return
    }
    const peer = { address, port: socket.remotePort ?? 0 }
    const isProxy = this.#proxies.lookup(address) !== null
    const { connections } = this.#service.options.budget
    const entered: Entered = { countedFor: isProxy ? null : address, left: false }
    if (this.#stopping || !connections.tryEnter(entered.countedFor)) {
      socket.end(this.#turnedAway(address), () => socket.destroy())
      setTimeout(() => socket.destroy(), this.#service.patience.lingerMs).unref()
      return
    }
    socket.once('close', () => {
      entered.left = true
      connections.leave(entered.countedFor)
    })
    const wire = new Wire(socket)
    this.#wires.add(wire)
    void wire.closed.then(() => this.#wires.delete(wire))
    void (isProxy ? this.#converseThrough(peer, wire, entered) : this.#converse(wire, peer))
  }

  async close(server: Server, graceMs: number): Promise<void> {
    this.#stopping = true
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const wire of this.#wires) wire.interrupt()
    const timer = setTimeout(() => {
      for (const wire of this.#wires) wire.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
    clearInterval(this.#sweeper)
  }

  /** A proxy that does not say for whom it connects is not spoken to: its own address must not stand for a client's. */
  async #converseThrough(proxy: Client, wire: Wire, entered: Entered): Promise<void> {
    const { options, log, patience } = this.#service
    const proxied = await takeProxyHeader(wire, options.limits.idleTimeoutSeconds * 1000)
    if (typeof proxied === 'string') {
      log.warn('a proxy was not understood', { proxy: proxy.address, because: proxied })
      return wire.destroy()
    }
    if (entered.left) return
    const client = proxied ?? proxy
    if (!options.budget.connections.identify(client.address)) {
      wire.say(this.#turnedAway(client.address))
      return wire.close(patience.lingerMs)
    }
    entered.countedFor = client.address
    return this.#converse(wire, client)
  }

  #turnedAway(client: IpAddress): string {
    this.#service.log.debug('a connection was turned away', { client, stopping: this.#stopping })
    const text = this.#stopping
      ? 'shutting down, please try again later'
      : 'too many connections, please try again later'
    return formatReply(reply(421, '4.3.2', text))
  }

  #converse(wire: Wire, client: Client): Promise<void> {
    const session = {
      listener: this.#service.options.name,
      client,
      greeting: null,
      extended: false,
      tls: null,
      account: null,
      openedAt: this.#clock.now(),
    }
    const conversation = new Conversation(wire, this.#service, this.#context, session, () => this.#stopping)
    return conversation.run()
  }

  #serviceOf(options: ListenerOptions): Service {
    const hostname = parseDomain(options.hostname)
    if (isSyntaxFault(hostname)) throw new Error(`the hostname ${options.hostname} is unusable: ${hostname.reason}`)
    return {
      options,
      patience: options.patience ?? defaultPatience,
      hostname,
      gate: this.#gate,
      log: this.#log.child({ listener: options.name }),
    }
  }

  /** One timer for all sessions: most deadlines are set anew long before they come. */
  #startSweeper(): NodeJS.Timeout {
    const idleMs = this.#service.options.limits.idleTimeoutSeconds * 1000
    return setInterval(
      () => {
        const now = performance.now()
        for (const wire of this.#wires) wire.enforceDeadline(now)
      },
      Math.min(1000, Math.max(10, idleMs / 4)),
    ).unref()
  }
}

function contextOf(options: ListenerOptions): SecureContext | null {
  return options.tls === null ? null : serverContext(options.tls)
}

function proxiesOf(options: ListenerOptions): NetworkTable<true> {
  return new NetworkTable(options.proxyProtocolFrom.map((network) => [network, true]))
}
