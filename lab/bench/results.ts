import type { Round } from './end-to-end.ts'
import type { Machine } from './machine.ts'
import type { PartResult } from './parts/part.ts'
import { median } from './probe.ts'

/** One row of the result; a relay's is made of the medians of its rounds. */
export type Run = {
  readonly name: string
  readonly messagesPerSecond: number
  readonly cpuMicrosecondsPerMessage: number
  readonly rssMegabytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of relays only; PSS shares common pages out among the processes that have them. */
  readonly pssMegabytes?: number
  readonly cpuByProcess?: { readonly [name: string]: number }
  /** The largest share of the machine that others used in a round. */
  readonly foreignCpu?: number
  readonly settledAfterMs?: number
  readonly rounds?: number
  /** Whether others used so much that the row means little. */
  readonly noisy?: boolean
}

export type Ratio = { readonly messagesPerSecond: number; readonly cpuMicrosecondsPerMessage: number }

export type Results = {
  readonly machine: Machine
  readonly runs: readonly Run[]
  /** How many times more messages, and how many times less processor time, the product has than each peer. */
  readonly ratios: { readonly [peer: string]: Ratio }
  /** How many microseconds one message takes longer in one part than in another, at the median. */
  readonly differences: { readonly [parts: string]: number }
  /** What did not take part or failed, and why. */
  readonly missing: { readonly [name: string]: string }
}

/** Above this share of the machine the figures of a round say more of the others than of the relay. */
const noisyShare = 0.15

export function relayRun(name: string, rounds: readonly Round[]): Run {
  const middle = (value: (round: Round) => number): number => median(rounds.map(value))
  const foreignCpu = Math.max(...rounds.map((round) => round.foreign))
  const names = [...new Set(rounds.flatMap((round) => [...round.cpuByProcess.keys()]))]
  return {
    name,
    messagesPerSecond: middle((round) => round.messagesPerSecond),
    cpuMicrosecondsPerMessage: middle((round) => round.cpuMicrosecondsPerMessage),
    rssMegabytes: middle((round) => round.rssMegabytes),
    p50Ms: middle((round) => round.p50Ms),
    p99Ms: middle((round) => round.p99Ms),
    pssMegabytes: middle((round) => round.pssMegabytes),
    cpuByProcess: Object.fromEntries(names.map((one) => [one, middle((round) => round.cpuByProcess.get(one) ?? 0)])),
    foreignCpu,
    settledAfterMs: middle((round) => round.settledAfterMs),
    rounds: rounds.length,
    noisy: foreignCpu > noisyShare,
  }
}

export function partRun(name: string, result: PartResult): Run {
  return { name: `${name}-only`, ...result }
}

export function ratiosOf(runs: readonly Run[], product: string, peers: readonly string[]): Results['ratios'] {
  const ours = runs.find((run) => run.name === product)
  const ratios: Record<string, Ratio> = {}
  for (const peer of runs) {
    if (ours === undefined || !peers.includes(peer.name)) continue
    ratios[peer.name] = {
      messagesPerSecond: ours.messagesPerSecond / peer.messagesPerSecond,
      cpuMicrosecondsPerMessage: peer.cpuMicrosecondsPerMessage / ours.cpuMicrosecondsPerMessage,
    }
  }
  return ratios
}

/** Parts whose difference is a promise: the one, and the one that it is to be held against. */
const held = [['decide-prefer-only', 'decide-signed-only']] as const

export function differencesOf(runs: readonly Run[]): Results['differences'] {
  const differences: Record<string, number> = {}
  for (const [name, base] of held) {
    const [run, other] = [name, base].map((wanted) => runs.find((one) => one.name === wanted))
    if (run !== undefined && other !== undefined) differences[`${name} over ${base}`] = (run.p50Ms - other.p50Ms) * 1000
  }
  return differences
}

/** The results as a table for people. */
export function table({ machine, runs, ratios, differences, missing }: Results): string {
  const { cpu, cores, memoryMegabytes, kernel, node, rsaSignMicroseconds } = machine
  const lines = [
    `${cpu}, ${cores} cores, ${memoryMegabytes} MB, Linux ${kernel}, Node ${node}; one RSA-2048 signature ${rsaSignMicroseconds} us`,
    '',
    row(['', 'messages/s', 'CPU us/msg', 'RSS MB', 'PSS MB', '250 p50 ms', '250 p99 ms', 'foreign CPU']),
    ...runs.map((run) => row(cellsOf(run))),
    '',
  ]
  for (const run of runs) {
    if (run.cpuByProcess === undefined) continue
    const shares = Object.entries(run.cpuByProcess).map(([name, us]) => `${name} ${us.toFixed(0)}`)
    lines.push(
      `${run.name}: ${shares.join(', ')} us/msg; at rest ${run.settledAfterMs?.toFixed(0)} ms after the last delivery`,
    )
  }
  for (const [peer, { messagesPerSecond, cpuMicrosecondsPerMessage }] of Object.entries(ratios))
    lines.push(
      `against ${peer}: ${messagesPerSecond.toFixed(1)} times the messages/s, ${cpuMicrosecondsPerMessage.toFixed(1)} times less CPU a message`,
    )
  for (const [parts, us] of Object.entries(differences)) lines.push(`${parts}: ${us.toFixed(0)} us more at the median`)
  for (const [name, why] of Object.entries(missing)) lines.push(`${name} has no figures: ${why}`)
  return `${lines.join('\n')}\n`
}

function cellsOf(run: Run): readonly string[] {
  const foreign =
    run.foreignCpu === undefined ? '' : `${(run.foreignCpu * 100).toFixed(0)} %${run.noisy ? ' (noisy)' : ''}`
  return [
    run.name,
    run.messagesPerSecond.toFixed(0),
    run.cpuMicrosecondsPerMessage.toFixed(0),
    run.rssMegabytes.toFixed(0),
    run.pssMegabytes?.toFixed(0) ?? '',
    run.p50Ms.toFixed(2),
    run.p99Ms.toFixed(2),
    foreign,
  ]
}

function row([name = '', ...cells]: readonly string[]): string {
  return `${name.padEnd(20)}${cells.map((cell) => cell.padStart(13)).join('')}`
}
