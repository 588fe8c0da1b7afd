import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseDomain } from '../../standards/names/domain.ts'
import { type IpAddress, parseIp } from '../../standards/names/ip.ts'
import { formatReply } from '../../standards/smtp/format-reply.ts'
import { reply } from '../../standards/smtp/reply.ts'
import { Conversation } from './conversation.ts'
import type { Gate } from './gate.ts'
import { type ListenerOptions, defaultPatience } from './options.ts'
import type { Service } from './step.ts'
import { serverContext } from './tls.ts'
import { Wire } from './wire.ts'

export type Listener = {
  readonly address: string
  readonly port: number
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
    update: (next) => doors.use(next),
    close: (graceMs) => doors.close(server, graceMs),
  }
}

function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

class Doors {
  readonly #gate: Gate
  readonly #log: Log
  readonly #clock: Clock
  readonly #wires = new Set<Wire>()
  #service: Service
  #context: SecureContext | null
  #sweeper: NodeJS.Timeout | undefined
  #stopping = false

  constructor(options: ListenerOptions, gate: Gate, log: Log, clock: Clock) {
    this.#gate = gate
    this.#log = log
    this.#clock = clock
    this.#service = this.#serviceOf(options)
    this.#context = contextOf(options)
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
    this.open()
  }

  enter(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const address = parseIp(socket.remoteAddress ?? '')
    if (isSyntaxFault(address)) {
      socket.destroy()
      return
    }
    const { connections } = this.#service.options.budget
    if (this.#stopping || !connections.tryEnter(address)) {
      this.#service.log.debug('a connection was turned away', { client: address, stopping: this.#stopping })
      const text = this.#stopping
        ? 'shutting down, please try again later'
        : 'too many connections, please try again later'
      socket.end(formatReply(reply(421, '4.3.2', text)), () => socket.destroy())
      setTimeout(() => socket.destroy(), this.#service.patience.lingerMs).unref()
      return
    }
    socket.once('close', () => connections.leave(address))
    const wire = new Wire(socket)
    this.#wires.add(wire)
    void wire.closed.then(() => this.#wires.delete(wire))
    void this.#converse(wire, address, socket.remotePort ?? 0)
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

  #converse(wire: Wire, address: IpAddress, port: number): Promise<void> {
    const session = {
      listener: this.#service.options.name,
      client: { address, port },
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
