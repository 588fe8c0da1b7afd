import { setTimeout as pause } from 'node:timers/promises'
import { cpuBetween, cpuOf, memoryOf } from '../cpu.ts'
import { atRest } from '../end-to-end.ts'
import { freePort } from '../../world/free-port.ts'
import { type Sink, startSink } from '../load.ts'
import type { PartResult } from '../parts/part.ts'
import { percentile } from '../probe.ts'
import { type Figure, type GrowthResults, type PartFigures, compared } from './figures.ts'
import { type GrownProduct, type Prepared, memoryByName, startGrownTo } from './grown-product.ts'
import { sendFromMany } from './senders.ts'

const connections = 20
/** One after the other over the connections; each of another customer, where there are so many. */
const sessionsInRound = 100

/** A product that is measured, and what it delivers to. */
export type Station = { readonly grown: GrownProduct; readonly sink: Sink }

/** A product for each, all at the same time: they take turns, so that the machine's moods are everybody's. */
export async function openStations(all: readonly Prepared[]): Promise<readonly Station[]> {
  const stations: Station[] = []
  for (const prepared of all) {
    const sink = await startSink(await freePort())
    stations.push({ grown: await startGrownTo(prepared, sink.port), sink })
  }
  return stations
}

export async function closeStations(stations: readonly Station[]): Promise<void> {
  for (const { grown, sink } of stations) {
    await grown.stop()
    await sink.stop()
  }
}

/**
 * The whole product from a message's first octet to the receiver's 250 and the ledger at rest, over policies of different sizes: with senders
 * whose keys are open, and, at last, with as many that have never sent before.
 */
export async function message(
  stations: readonly Station[],
  options: RoundOptions & { readonly rounds: number },
  tell: (line: string) => void,
): Promise<Pick<GrowthResults, 'runs' | 'ratios' | 'figures'>> {
  const measured = stations.map(() => [] as PartResult[])
  for (const station of stations) for (const offset of [0, 1, 0]) await round(station, offset, options)
  for (let turn = 0; turn < options.rounds; turn++) {
    const order = stations.map((_, at) => at)
    for (const at of turn % 2 === 0 ? order : order.toReversed()) {
      const station = stations[at]
      if (station !== undefined) measured[at]?.push(await round(station, turn % 2, options))
    }
    const last = measured.map((all) => Math.round(all.at(-1)?.cpuMicrosecondsPerMessage ?? 0))
    tell(`round ${turn + 1} of ${options.rounds}: ${last.join(' / ')} us a message`)
  }
  const figures: Figure[] = []
  for (const station of stations.filter(({ grown }) => grown.customers > sessionsInRound)) {
    const { cpuMicrosecondsPerMessage: value } = await round(station, 7, options)
    const name = `CPU a message of ${sessionsInRound} senders that never sent before`
    figures.push({ part: 'message', size: sizeOf(station.grown), name, value, unit: 'us' })
  }
  const sizes = stations.map(({ grown }, at) => ({ size: sizeOf(grown), rounds: measured[at] ?? [] }))
  return { ...compared('message', sizes), figures }
}

/** How long each took to start, and what memory its processes have. */
export function standing(stations: readonly Station[]): PartFigures {
  return stations.flatMap(({ grown }) => [
    { size: sizeOf(grown), name: 'start to ready', value: grown.startMs, unit: 'ms' as const },
    { size: sizeOf(grown), name: 'CPU of all processes until then', value: grown.startCpuMs, unit: 'ms' as const },
    ...[...memoryByName(grown)].flatMap(([name, { now, peak }]) => [
      { size: sizeOf(grown), name: `RSS of ${name}`, value: now, unit: 'MB' as const },
      { size: sizeOf(grown), name: `RSS of ${name} at its highest`, value: peak, unit: 'MB' as const },
    ]),
  ])
}

export function sizeOf({ customers }: GrownProduct): string {
  return `${customers} customers`
}

type RoundOptions = { readonly messages: number }

/** `offset` picks the senders: another one, other senders, where there are so many. */
async function round({ grown, sink }: Station, offset: number, options: RoundOptions): Promise<PartResult> {
  const { product, customers } = grown
  const step = Math.max(1, Math.floor(customers / sessionsInRound))
  const senders = Array.from({ length: sessionsInRound }, (_, at) => (at * step + offset) % customers)
  const messagesOfEach = Math.ceil(options.messages / sessionsInRound)
  const messages = sessionsInRound * messagesOfEach
  const roots = [{ pid: product.pid, name: 'supervisor' }]
  const before = cpuOf(roots)
  const taken = sink.taken()
  const began = performance.now()
  const waits = await sendFromMany({ port: product.smtpPort, customers: senders, messagesOfEach, connections })
  const deadline = performance.now() + 120_000
  while (sink.taken() < taken + messages) {
    if (performance.now() > deadline) throw new Error(`only ${sink.taken() - taken} of ${messages} messages arrived`)
    await pause(10)
  }
  const seconds = (performance.now() - began) / 1000
  const { rssMegabytes } = memoryOf(roots)
  await atRest(roots)
  return {
    messagesPerSecond: messages / seconds,
    cpuMicrosecondsPerMessage: cpuBetween(before, cpuOf(roots)).total / messages,
    rssMegabytes,
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
  }
}
