import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../world/free-port.ts'
import { startDelivering } from './queue/product.ts'
import { type Destinations, destinationsOf } from './queue/destinations.ts'
import { fillShard } from './queue/fill.ts'
import { type Servers, startServers } from './queue/servers-client.ts'
import { send } from './queue/traffic.ts'
import { type Figure, growthTable } from './growth/figures.ts'
import { type GrownProduct, forgetPeak, memoryByName, prepare, relayOf, residentOf } from './growth/grown-product.ts'
import { describeMachine } from './machine.ts'
import { percentile } from './probe.ts'

/**
 * A queue of very many messages for very many destinations of which some are dead: `npm run bench -- queue`. What it costs to accept, to deliver
 * beside it, to start over it and to keep it.
 */

type QueueOptions = {
  readonly messages: number
  readonly destinations: number
  readonly dead: number
  readonly seconds: number
  readonly json: boolean
}

const customers = 10
const connections = 20
const hourMs = 3_600_000

const usage = 'usage: npm run bench -- queue [--messages N] [--destinations M] [--dead K] [--seconds S] [--json]'

/** Runs it; answers the exit code: 2 on wrong use. */
export async function runQueue(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${usage}\n`)
    return 2
  }
  const figures = await measure(options)
  const results = { machine: describeMachine(), runs: [], ratios: {}, figures }
  process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : growthTable(results))
  return 0
}

/** One product over an empty queue, then one over the full queue: the same traffic to the same destinations. */
async function measure(options: QueueOptions): Promise<readonly Figure[]> {
  const destinations = destinationsOf(options.destinations, options.dead)
  const port = await freePort()
  const servers = await startServers({ port, destinations: options.destinations, dead: options.dead })
  try {
    tell('an empty queue')
    const empty = await over(0, destinations, servers, options, null)
    tell(`a queue of ${options.messages}`)
    const full = await over(options.messages, destinations, servers, options, empty.rate)
    const ratio = { name: 'accepted a second, against an empty queue', value: (full.rate / empty.rate) * 100 }
    return [
      ...empty.figures,
      ...full.figures,
      { part: 'queue', size: `${options.messages} queued`, unit: '%', ...ratio },
    ]
  } finally {
    servers.stop()
  }
}

type Over = { readonly rate: number; readonly figures: readonly Figure[] }

async function over(
  messages: number,
  destinations: Destinations,
  servers: Servers,
  { seconds }: QueueOptions,
  emptyRate: number | null,
): Promise<Over> {
  const figures: Figure[] = []
  const note = (name: string, value: number, unit: Figure['unit']): void => {
    tell(`${name}: ${value.toFixed(1)} ${unit}`)
    figures.push({ part: 'queue', size: `${messages} queued`, name, value, unit })
  }
  const prepared = await prepare(customers)
  const began = performance.now()
  // Dead ones are due at once, as after their last retries; live ones over the next hours, as mail that was deferred is.
  const dueAt = (isDead: boolean): number => Date.now() + (isDead ? -60_000 : hourMs * (1 + 3 * Math.random()))
  fillShard({ dataDir: prepared.dataDir, messages, destinations, customers, dueAt })
  if (messages > 0) note('filled in', performance.now() - began, 'ms')
  const grown = await startDelivering(prepared, servers)
  try {
    note('start to ready', grown.startMs, 'ms')
    // Dead sites are met, and what V8 compiles is compiled.
    await send({ ...traffic(grown, destinations), rate: 200, seconds, run: `warm${messages}` })
    const relay = relayOf(grown)
    forgetPeak(relay)
    const quick = await send({ ...traffic(grown, destinations), rate: Infinity, seconds, run: `full${messages}` })
    const rate = quick.size / seconds
    note('accepted a second', rate, 'count')
    note(
      '250 after, p99',
      percentile(
        [...quick.values()].map((one) => one.waitedMs),
        0.99,
      ),
      'ms',
    )
    note('250 after, longest', Math.max(...[...quick.values()].map((one) => one.waitedMs)), 'ms')
    await settle(servers)
    await atHalfLoad(grown, destinations, servers, (emptyRate ?? rate) / 2, seconds, note)
    note('RSS of the relay', residentOf(relay).now, 'MB')
    note('RSS of the relay at its highest', residentOf(relay).peak, 'MB')
    for (const [name, { now }] of memoryByName(grown)) if (name !== 'relay') note(`RSS of ${name}`, now, 'MB')
    note('custody on disk', statSync(join(grown.dataDir, 'custody/0/custody.db')).size / 1_048_576, 'MB')
    note('its write-ahead log', sizeOf(join(grown.dataDir, 'custody/0/custody.db-wal')) / 1_048_576, 'MB')
    return { rate, figures }
  } finally {
    await grown.stop()
  }
}

async function atHalfLoad(
  grown: GrownProduct,
  destinations: Destinations,
  servers: Servers,
  rate: number,
  seconds: number,
  note: (name: string, value: number, unit: Figure['unit']) => void,
): Promise<void> {
  const run = `half${grown.dataDir}`
  const sent = await send({ ...traffic(grown, destinations), rate, seconds: seconds * 2, run })
  await settle(servers)
  const waits: number[] = []
  let missing = 0
  for (const [mark, { at }] of sent) {
    const number = Number(mark.slice(mark.lastIndexOf('-') + 1))
    if (destinations.kindOf(destinationOf(number, destinations)) !== 'live') continue
    const arrived = servers.arrivals.get(mark)
    if (arrived === undefined) missing++
    else waits.push(Math.max(0, arrived - at))
  }
  note('at half load, sent a second', sent.size / (seconds * 2), 'count')
  note('queue time of a live destination, p50', percentile(waits, 0.5), 'ms')
  note('queue time of a live destination, p99', percentile(waits, 0.99), 'ms')
  note('queue time of a live destination, longest', Math.max(...waits), 'ms')
  note('not delivered to a live destination', missing, 'count')
}

/** Until nothing more arrives. */
async function settle(servers: Servers): Promise<void> {
  for (let before = -1; before !== servers.taken();) {
    before = servers.taken()
    await pause(1500)
  }
}

function traffic(grown: GrownProduct, destinations: Destinations) {
  return {
    port: grown.product.smtpPort,
    customers,
    connections,
    recipient: (number: number) => destinations.domain(destinationOf(number, destinations)),
  }
}

/** Each message to another destination, spread so that dead ones come in between. */
function destinationOf(number: number, { count }: Destinations): number {
  return (number * 7919) % count
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

function readOptions(args: readonly string[]): QueueOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        messages: { type: 'string', default: '1000000' },
        destinations: { type: 'string', default: '50000' },
        dead: { type: 'string', default: '1000' },
        seconds: { type: 'string', default: '20' },
        json: { type: 'boolean', default: false },
      },
    })
    const destinations = count('destinations', values.destinations, 1, 1_000_000)
    return {
      messages: count('messages', values.messages, 1, 10_000_000),
      destinations,
      dead: count('dead', values.dead, 0, destinations),
      seconds: count('seconds', values.seconds, 1, 3600),
      json: values.json,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function count(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`--${name} must be a whole number from ${least} to ${most}`)
  return value
}
