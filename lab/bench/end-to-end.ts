import { setTimeout as pause } from 'node:timers/promises'
import { startCountingSink } from '../drills/counting-sink.ts'
import { type Member, cpuBetween, cpuOf, cpuOfProcess, family, machineCpu, memoryOf } from './cpu.ts'
import { freePort } from '../world/free-port.ts'
import { type Sink, sendAll, startSink } from './load.ts'
import { percentile, startProbe } from './probe.ts'
import type { Candidate, Contender } from './relays/contender.ts'

/** One measured round of one relay. */
export type Round = {
  readonly messagesPerSecond: number
  readonly cpuMicrosecondsPerMessage: number
  /** The same by process, for whoever looks for the next gain. */
  readonly cpuByProcess: ReadonlyMap<string, number>
  readonly rssMegabytes: number
  readonly pssMegabytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Share of the machine that others used meanwhile, from 0 to 1. */
  readonly foreign: number
  /** How long after the last delivery it still worked, in milliseconds. */
  readonly settledAfterMs: number
}

/** A relay at work between `smtp-source` and a sink of its own. */
export type Course = {
  readonly name: string
  /** Its processes at this moment. */
  members(): readonly Member[]
  /** Sends so many messages through it and waits until the sink has them all. */
  round(messages: number, connections: number): Promise<Round>
  stop(): Promise<void>
}

/** The slowest relay that is worth waiting for does this many messages a second. */
const slowest = 50

/** A relay that used less than this share of one processor for half a second has nothing left to do. */
const restingShare = 0.04
const restingMs = 500
const settleWithinMs = 15_000

/** Starts it and looks at one message: a relay that does not sign has not taken part. */
export async function openCourse(candidate: Candidate): Promise<Course> {
  const sinkPort = await freePort()
  const witness = await startCountingSink(sinkPort)
  const contender = await candidate.start(sinkPort)
  let sink: Sink | null = null
  try {
    await sendAll({ port: contender.smtpPort, connections: 1, messages: 1, withinMs: 10_000 })
    await until(
      () => witness.copies.size > 0,
      20_000,
      () => 'the first message did not arrive',
    )
    if (witness.unsigned > 0) throw new Error(`${candidate.name} does not sign`)
    await witness.close()
    sink = await startSink(sinkPort)
  } catch (error) {
    await witness.close().catch(() => {})
    await contender.stop()
    throw error
  }
  const counting = sink
  return {
    name: candidate.name,
    members: () => family(contender.roots),
    round: (messages, connections) => round(contender, counting, messages, connections),
    stop: async () => {
      await contender.stop()
      await counting.stop()
    },
  }
}

async function round(contender: Contender, sink: Sink, messages: number, connections: number): Promise<Round> {
  const { roots, smtpPort: port } = contender
  const withinMs = 10_000 + (messages / slowest) * 1000
  await atRest(roots)
  const taken = sink.taken()
  const before = look(roots, sink)
  const began = performance.now()
  const probe = await startProbe(port)
  await sendAll({ port, connections, messages, withinMs })
  const waits = await probe.stop()
  const all = messages + waits.length
  await until(
    () => sink.taken() - taken >= all,
    withinMs,
    () => `of ${all} messages the sink got ${sink.taken() - taken}`,
  )
  const ended = performance.now()
  const memory = memoryOf(roots)
  await atRest(roots)
  const after = look(roots, sink)
  const cpu = cpuBetween(before.relay, after.relay)
  const ours = cpu.total + after.ours - before.ours
  return {
    messagesPerSecond: (all / (ended - began)) * 1000,
    cpuMicrosecondsPerMessage: cpu.total / all,
    cpuByProcess: new Map([...cpu.byName].map(([name, used]) => [name, used / all])),
    ...memory,
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
    foreign: Math.max(0, (after.machine.busy - before.machine.busy - ours) / (after.machine.all - before.machine.all)),
    settledAfterMs: performance.now() - ended - restingMs,
  }
}

/** `ours`: the sink, and this process with all that it has waited for, `smtp-source` among them. */
function look(roots: readonly Member[], sink: Sink) {
  const ours = cpuOfProcess(sink.pid) + cpuOfProcess(process.pid)
  return { machine: machineCpu(), relay: cpuOf(roots), ours }
}

/** Until the relay has nothing left to do, or for 15 seconds. */
export async function atRest(roots: readonly Member[]): Promise<void> {
  const deadline = performance.now() + settleWithinMs
  while (performance.now() < deadline) {
    const before = cpuOf(roots).total
    const began = performance.now()
    await pause(restingMs)
    if (cpuOf(roots).total - before < (performance.now() - began) * 1000 * restingShare) return
  }
}

async function until(holds: () => boolean, withinMs: number, otherwise: () => string): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(otherwise())
    await pause(5)
  }
}
