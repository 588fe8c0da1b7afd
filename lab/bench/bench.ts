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
import { type Results, type Run, partRun, ratiosOf, relayRun } from './results.ts'

const peers = [postfixWith(openDkim), postfixWith(rspamd), haraka]
const parts = ['accept', 'decide', 'sign', 'deliver', 'ledger']
const partMain = fileURLToPath(new URL('./parts/main.ts', import.meta.url))

/** Runs what the options ask for. `tell` hears what is going on; what `cleanUp` is given is to be undone when the run is cut short. */
export async function bench(
  options: BenchOptions,
  tell: (line: string) => void,
  cleanUp: Set<Stoppable>,
): Promise<Results> {
  const isWanted = (name: string): boolean =>
    options.only.length === 0 || options.only.some((word) => name.includes(word))
  const machine = describeMachine()
  const candidates = [anechoic, ...peers].filter(({ name }) => isWanted(name))
  const present = candidates.filter(({ missing }) => missing === null)
  const runs: Run[] = await runRelays(present, options, tell, cleanUp)
  for (const part of parts.filter((name) => isWanted(`${name}-only`))) {
    tell(`${part}-only`)
    runs.push(partRun(part, await runPart(part, options, cleanUp)))
  }
  return {
    machine,
    runs,
    ratios: ratiosOf(
      runs,
      anechoic.name,
      peers.map((peer) => peer.name),
    ),
    missing: Object.fromEntries(candidates.flatMap(({ name, missing }) => (missing === null ? [] : [[name, missing]]))),
  }
}

/** All relays stand ready and take turns, so that what else happens on the machine happens to all of them. */
async function runRelays(
  candidates: readonly Candidate[],
  options: BenchOptions,
  tell: (line: string) => void,
  cleanUp: Set<Stoppable>,
): Promise<Run[]> {
  const { connections } = options
  const courses: Course[] = []
  const results = new Map<string, Round[]>()
  try {
    for (const candidate of candidates) {
      tell(`${candidate.name} starts`)
      const course = await openCourse(candidate)
      courses.push(course)
      cleanUp.add(course)
    }
    const sizes = new Map<Course, number>()
    for (const course of courses) {
      const { messagesPerSecond } = await course.round(options.warmUp, connections)
      sizes.set(course, Math.min(options.messages, Math.ceil(messagesPerSecond * options.seconds)))
    }
    for (let turn = 1; turn <= options.rounds; turn++) {
      for (const [course, messages] of sizes) {
        const round = await course.round(messages, connections)
        results.set(course.name, [...(results.get(course.name) ?? []), round])
        tell(`round ${turn} of ${options.rounds}, ${messages} messages: ${lineOf(course.name, round)}`)
      }
    }
  } finally {
    for (const course of courses) {
      await course.stop()
      cleanUp.delete(course)
    }
  }
  return [...results].map(([name, rounds]) => relayRun(name, rounds))
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
