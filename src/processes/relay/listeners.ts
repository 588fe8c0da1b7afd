import type { SendHandle } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { Config } from '../../config/index.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import {
  type Gate,
  IngressBudget,
  type Listener,
  type ListenerOptions,
  startListener,
} from '../../path/ingress/index.ts'
import type { SupervisorChannel } from '../child.ts'
import { StartFailure } from '../start-failure.ts'
import { whenPortIsFree } from '../waiting.ts'

/** The SMTP listeners of the configuration. */
export type Listeners = {
  /** Opens them one after the other and tells the supervisor of each. Throws `StartFailure` for one that cannot be opened. */
  open(): Promise<void>
  /** Takes up what may change while they stand, certificates included. All or none; throws when any of it cannot work. */
  update(next: Config): void
  close(graceMs: number): Promise<void>
}

/** What each kind of listener asks. */
export type Gates = Readonly<Record<Config['listeners'][number]['role'], Gate>>

export function listenersOf(channel: SupervisorChannel, gates: Gates, log: Log, clock: Clock): Listeners {
  const { config, firstStart } = channel
  const budgets = {
    relay: new IngressBudget(partOf(config), clock),
    // Strangers may come to these: what they use up must be nobody else's.
    feedback: new IngressBudget(strangers(config.limits), clock),
  }
  const opened: { readonly listener: Listener; options: ListenerOptions }[] = []
  return {
    open: async () => {
      for (const one of config.listeners) {
        const options = naming(one.name, () => optionsOf(config, one, budgets[one.role]))
        const start = (how: Pick<ListenerOptions, 'port' | 'shared' | 'socket'>): Promise<Listener> =>
          whenPortIsFree(`smtp ${one.host}:${how.port}`, firstStart, () =>
            startListener({ ...options, ...how }, gates[one.role], log, clock),
          )
        const listener = config.workers === 1 ? await start({ port: one.port }) : await openShared(channel, one, start)
        opened.push({ listener, options })
        const { address, port } = listener
        channel.say({ kind: 'listening', what: 'smtp', name: one.name, address, port })
      }
    },
    update: (next) => {
      const fresh = new Map(
        next.listeners.map((one) => [one.name, naming(one.name, () => optionsOf(next, one, budgets[one.role]))]),
      )
      try {
        for (const { listener, options } of opened) {
          const changed = fresh.get(options.name) ?? options
          naming(options.name, () => listener.update(changed))
        }
      } catch (error) {
        for (const { listener, options } of opened) listener.update(options)
        throw error
      }
      for (const one of opened) one.options = fresh.get(one.options.name) ?? one.options
      budgets.relay.update(next.limits)
      budgets.feedback.update(strangers(next.limits))
    },
    close: async (graceMs) => void (await Promise.all(opened.map(({ listener }) => listener.close(graceMs)))),
  }
}

/** An eighth of what the limits give to customers' systems. */
function strangers(limits: Config['limits']): Config['limits'] {
  const some = (count: number): number => Math.max(1, Math.floor(count / 8))
  const { maxConnections, maxConnectionsPerClient, bytesInFlight, maxMessageBytes } = limits
  return {
    ...limits,
    maxConnections: some(maxConnections),
    maxConnectionsPerClient: some(maxConnectionsPerClient),
    bytesInFlight: Math.max(some(bytesInFlight), 2 * maxMessageBytes),
  }
}

/** The part of one relay in what all may hold at a time (docs/decisions/014): equal parts, and never too little for one client or one message. */
function partOf({ limits, workers }: Config): Config['limits'] {
  const part = (whole: number, least: number): number => Math.min(whole, Math.max(least, Math.floor(whole / workers)))
  return {
    ...limits,
    maxConnections: part(limits.maxConnections, 1),
    maxConnectionsPerClient: part(limits.maxConnectionsPerClient, 1),
    bytesInFlight: part(limits.bytesInFlight, limits.maxMessageBytes),
  }
}

/** Comes to a listener on a port that several relays share (docs/decisions/014). */
async function openShared(
  channel: SupervisorChannel,
  { name, host, port: configured }: Config['listeners'][number],
  start: (how: { readonly port: number; readonly shared?: true; readonly socket?: unknown }) => Promise<Listener>,
): Promise<Listener> {
  const door = await channel.door(name)
  if (door.way === 'kept') return start({ port: configured, socket: door.socket })
  let port = door.way === 'beside' ? door.port : configured
  // A shared port lets in whoever shares it: that nobody has it is known only by having had it alone.
  if (door.way === 'first')
    port = await whenPortIsFree(`smtp ${host}:${configured}`, channel.firstStart, () => hadAlone(host, configured))
  const listener = await start({ port, shared: true })
  channel.say({ kind: 'door-opened', name, port: listener.port }, listener.socket as SendHandle)
  return listener
}

/** Takes a port for a moment, and answers which it was. */
async function hadAlone(host: string, configured: number): Promise<number> {
  const server = createServer()
  server.listen({ host, port: configured })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function optionsOf(config: Config, one: Config['listeners'][number], budget: IngressBudget): ListenerOptions {
  return {
    name: one.name,
    host: one.host,
    port: one.port,
    hostname: config.hostname,
    tls: one.tls === null ? null : { cert: readFileSync(one.tls.cert), key: readFileSync(one.tls.key) },
    requireTls: one.requireTls,
    auth: one.auth && one.role === 'relay',
    proxyProtocolFrom: one.proxyProtocolFrom,
    limits: config.limits,
    budget,
  }
}

/** Does something with a listener; what it throws then names the listener. */
function naming<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new StartFailure(`listener ${name}: ${(error as Error).message}`, { cause: error })
  }
}
