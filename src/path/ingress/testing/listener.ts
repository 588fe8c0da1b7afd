import type { Log, LogFields } from '../../../platform/log.ts'
import { IngressBudget, type BudgetLimits } from '../budget.ts'
import type { Gate } from '../gate.ts'
import { type Listener, startListener } from '../listener.ts'
import { type IngressLimits, type ListenerOptions, type Patience, defaultPatience } from '../options.ts'
import { TestClient } from './client.ts'
import { AcceptingGate } from './gate.ts'

export type Setting = {
  readonly gate?: Gate
  readonly limits?: Partial<IngressLimits>
  readonly budget?: Partial<BudgetLimits>
  readonly patience?: Partial<Patience>
  readonly options?: Partial<Omit<ListenerOptions, 'limits' | 'budget' | 'patience'>>
}

export type Scene = {
  readonly listener: Listener
  readonly gate: AcceptingGate
  readonly options: ListenerOptions
  readonly log: RecordedLine[]
  /** A client that has read the greeting. */
  readonly connect: () => Promise<TestClient>
}

/** What was logged, as it would be printed. */
export type RecordedLine = string

const open: (() => Promise<void>)[] = []

/** For `afterEach`: closes what `openListener` opened. */
export async function closeListeners(): Promise<void> {
  await Promise.all(open.splice(0).map((close) => close()))
}

/** A listener on a free loopback port that takes everything, until `closeListeners`. */
export async function openListener(setting: Setting = {}): Promise<Scene> {
  const gate = new AcceptingGate()
  const log: RecordedLine[] = []
  const options = optionsOf(setting)
  const listener = await startListener(options, setting.gate ?? gate, recordingLog(log), { now: () => Date.now() })
  const clients: TestClient[] = []
  open.push(async () => {
    for (const client of clients) client.destroy()
    await listener.close(0)
  })
  return {
    listener,
    gate,
    options,
    log,
    connect: async () => {
      const client = await TestClient.connect(listener.port)
      clients.push(client)
      const greeting = await client.code()
      if (greeting !== '220') throw new Error(`greeted with ${greeting}`)
      return client
    },
  }
}

function optionsOf(setting: Setting): ListenerOptions {
  const budget = { maxConnections: 100, maxConnectionsPerClient: 50, bytesInFlight: 100_000_000, ...setting.budget }
  return {
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    hostname: 'relay.example',
    tls: null,
    requireTls: false,
    auth: false,
    proxyProtocolFrom: [],
    ...setting.options,
    limits: {
      maxMessageBytes: 1_000_000,
      maxHeaderBytes: 100_000,
      maxHeaderFields: 100,
      maxRecipients: 10,
      idleTimeoutSeconds: 30,
      ...setting.limits,
    },
    budget: new IngressBudget(budget, { now: () => Date.now() }),
    patience: { ...defaultPatience, authFailureDelayMs: 1, lingerMs: 200, ...setting.patience },
  }
}

function recordingLog(lines: RecordedLine[]): Log {
  const record = (message: string, fields?: LogFields): void => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
  }
  const log: Log = { debug: record, info: record, warn: record, error: record, child: () => log }
  return log
}
