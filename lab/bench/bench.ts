import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Course, type Round, openCourse } from './end-to-end.ts'
import { type Stoppable, ended } from './load.ts'
import { describeMachine } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { PartResult } from './parts/part.ts'
import { anechoic } from './relays/anechoic.ts'
import type { Candidate } from './relays/contender.ts'
import { haraka } from './relays/haraka.ts'
import { openDkim, rspamd } from './relays/milters.ts'
import { postfixWith } from './relays/postfix.ts'
import { type Results, type Run, differencesOf, partRun, ratiosOf, relayRun } from './results.ts'

const peers = [postfixWith(openDkim), postfixWith(rspamd), haraka]
const parts = [
  'accept',
  'decide',
  'decide-signed',
  'decide-prefer',
  'sign',
  'deliver',
  'ledger',
  'authenticate',
  'authenticate-mailauth',
]
const partMain = fileURLToPath(new URL('./parts/main.ts', import.meta.url))

/** Runs what the options ask for. `tell` hears what is going on; what `cleanUp` is given is to be undone when the run is cut short. */
export async function bench(
  options: BenchOptions,
  tell: (line: string) => void,
  cleanUp: Set<Stoppable>,
): Promise<{ readonly results: Results; readonly failures: number }> {
  const isWanted = (name: string): boolean =>
    options.only.length === 0 || options.only.some((word) => name.includes(word))
  const machine = describeMachine()
  const candidates = [anechoic, ...peers].filter(({ name }) => isWanted(name))
  const present = candidates.filter(({ missing }) => missing === null)
  const missing = new Map(candidates.flatMap((one) => (one.missing === null ? [] : [[one.name, one.missing] as const])))
  let failures = 0
  const failed = (name: string, error: unknown): void => {
    failures += 1
    missing.set(name, error instanceof Error ? error.message : String(error))
    tell(`${name} failed: ${missing.get(name)}`)
  }
  const runs: Run[] = await runRelays(present, options, { tell, cleanUp, failed })
  for (const part of parts.filter((name) => isWanted(`${name}-only`))) {
    tell(`${part}-only`)
    await runPart(part, options, cleanUp).then(
      (result) => runs.push(partRun(part, result)),
      (error: unknown) => failed(`${part}-only`, error),
    )
  }
  const peerNames = peers.map((peer) => peer.name)
  const ratios = {
    ...ratiosOf(runs, anechoic.name, peerNames),
    ...ratiosOf(runs, 'authenticate-only', ['authenticate-mailauth-only']),
  }
  return {
    results: { machine, runs, ratios, differences: differencesOf(runs), missing: Object.fromEntries(missing) },
    failures,
  }
}

type Watch = {
  readonly tell: (line: string) => void
  readonly cleanUp: Set<Stoppable>
  /** Hears of what could not be measured; the rest goes on. */
  readonly failed: (name: string, error: unknown) => void
}

/** All relays stand ready and take turns, so that what else happens on the machine happens to all of them. */
async function runRelays(candidates: readonly Candidate[], options: BenchOptions, watch: Watch): Promise<Run[]> {
  const { tell, cleanUp, failed } = watch
  const running = new Map<Course, Round[]>()
  const leave = async (course: Course): Promise<void> => {
    await course.stop()
    cleanUp.delete(course)
  }
  try {
    for (const candidate of candidates) {
      tell(`${candidate.name} starts`)
      await openCourse(candidate).then(
        (course) => {
          cleanUp.add(course)
          running.set(course, [])
        },
        (error: unknown) => failed(candidate.name, error),
      )
    }
    for (let turn = 1 - warmUps; turn <= options.rounds; turn++) {
      for (const [course, rounds] of running) {
        try {
          const { round, messages } = await playRound(course, rounds, options)
          rounds.push(round)
          const name = turn < 1 ? 'warm-up' : `round ${turn} of ${options.rounds}`
          tell(`${name}, ${messages} messages: ${lineOf(course.name, round)}`)
        } catch (error) {
          failed(course.name, error)
          running.delete(course)
          await leave(course)
        }
      }
    }
  } finally {
    for (const course of running.keys()) await leave(course)
  }
  return [...running].map(([course, rounds]) => relayRun(course.name, rounds.slice(warmUps)))
}

/** Rounds of each relay that are not measured: one that tells how fast it is, and one in which it gets as fast as it can. */
const warmUps = 2

/** Enough to tell how fast a relay is. */
const firstMessages = 300

/** Each round is as large as the one before says that it can be. */
async function playRound(
  course: Course,
  before: readonly Round[],
  options: BenchOptions,
): Promise<{ readonly round: Round; readonly messages: number }> {
  const last = before.at(-1)
  const most = before.length < warmUps ? options.warmUp : options.messages
  const fitting = last === undefined ? firstMessages : Math.ceil(last.messagesPerSecond * options.seconds)
  const messages = Math.min(most, fitting)
  return { round: await course.round(messages, options.connections), messages }
}

function lineOf(name: string, { messagesPerSecond, cpuMicrosecondsPerMessage, foreign }: Round): string {
  return `${name} ${messagesPerSecond.toFixed(0)}/s, ${cpuMicrosecondsPerMessage.toFixed(0)} us/msg, foreign CPU ${(foreign * 100).toFixed(0)} %`
}

/** Each part in a process of its own, so that none pays for what another left behind. */
async function runPart(
  name: string,
  { messages, connections }: BenchOptions,
  cleanUp: Set<Stoppable>,
): Promise<PartResult> {
  const child = spawn(process.execPath, [partMain, name, String(messages), String(connections)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const running = { stop: () => ended(child) }
  cleanUp.add(running)
  let out = ''
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  cleanUp.delete(running)
  if (code !== 0) throw new Error(`the part ${name} ended with ${code ?? 'a signal'}`)
  return JSON.parse(out) as PartResult
}
