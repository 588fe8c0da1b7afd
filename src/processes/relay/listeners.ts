import { readFileSync } from 'node:fs'
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

export function listenersOf(channel: SupervisorChannel, gate: Gate, log: Log, clock: Clock): Listeners {
  const { config, firstStart } = channel
  const budget = new IngressBudget(config.limits, clock)
  const opened: { readonly listener: Listener; options: ListenerOptions }[] = []
  return {
    open: async () => {
      for (const one of config.listeners) {
        const options = naming(one.name, () => optionsOf(config, one, budget))
        const place = `smtp ${one.host}:${one.port}`
        const listener = await whenPortIsFree(place, firstStart, () => startListener(options, gate, log, clock))
        opened.push({ listener, options })
        const { address, port } = listener
        channel.say({ kind: 'listening', what: 'smtp', name: one.name, address, port })
      }
    },
    update: (next) => {
      const fresh = new Map(
        next.listeners.map((one) => [one.name, naming(one.name, () => optionsOf(next, one, budget))]),
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
      budget.update(next.limits)
    },
    close: async (graceMs) => void (await Promise.all(opened.map(({ listener }) => listener.close(graceMs)))),
  }
}

function optionsOf(config: Config, one: Config['listeners'][number], budget: IngressBudget): ListenerOptions {
  return {
    name: one.name,
    host: one.host,
    port: one.port,
    hostname: config.hostname,
    tls: one.tls === null ? null : { cert: readFileSync(one.tls.cert), key: readFileSync(one.tls.key) },
    requireTls: one.requireTls,
    auth: one.auth,
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
