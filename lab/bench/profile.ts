import { mkdtempSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { cpuOfThreads } from './cpu.ts'
import { openCourse } from './end-to-end.ts'
import type { Stoppable } from './load.ts'
import type { BenchOptions } from './options.ts'
import { anechoic } from './relays/anechoic.ts'

/** The parts of V8's `.cpuprofile` format that are read here. Times in microseconds. */
type CpuProfile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

type Row = { readonly where: string; readonly milliseconds: number }

const rowsShown = 25
/** Threads that did less than this are not worth a table, in milliseconds. */
const leastBusy = 100

/**
 * Runs the product under load with V8's profiler in each of its processes and threads, and prints where they spent their own time. The signer is
 * not among them: it takes no options from the environment. The `.cpuprofile` files stay, for a browser's developer tools.
 */
export async function profile(
  options: BenchOptions,
  print: (text: string) => void,
  cleanUp: Set<Stoppable>,
): Promise<void> {
  const directory = options.out === null ? mkdtempSync(join(tmpdir(), 'anechoic-profile-')) : resolve(options.out)
  mkdirSync(directory, { recursive: true })
  process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${directory} --cpu-prof-interval=500`
  const course = await openCourse(anechoic)
  delete process.env['NODE_OPTIONS']
  cleanUp.add(course)
  const members = course.members()
  const threads = (): ReadonlyMap<string, number> =>
    new Map(members.flatMap(({ pid, name }) => [...cpuOfThreads(pid)].map(([thread, us]) => [`${name}/${thread}`, us])))
  const before = threads()
  let after = before
  let round
  try {
    round = await course.round(options.messages, options.connections)
    after = threads()
  } finally {
    await course.stop()
    cleanUp.delete(course)
  }
  print(
    `${options.messages} messages at ${round.messagesPerSecond.toFixed(0)}/s under the profiler; profiles in ${directory}\n`,
  )
  print('\nprocessor time by thread, us a message:\n')
  for (const [thread, us] of after) {
    const each = (us - (before.get(thread) ?? 0)) / options.messages
    if (each >= 1) print(`${each.toFixed(0).padStart(8)}     ${thread}\n`)
  }
  printProfiles(directory, new Map(members.map(({ pid, name }) => [String(pid), name])), print)
}

function printProfiles(directory: string, names: ReadonlyMap<string, string>, print: (text: string) => void): void {
  for (const file of readdirSync(directory).toSorted()) {
    // CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile
    const [, , , pid = '', thread = ''] = basename(file).split('.')
    const name = names.get(pid)
    if (name === undefined || !file.endsWith('.cpuprofile')) continue
    const rows = selfTimes(JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile)
    const busy = rows.reduce((sum, row) => sum + row.milliseconds, 0)
    if (busy < leastBusy) continue
    print(`\n${name}, thread ${thread}: ${busy.toFixed(0)} ms busy since its start\n`)
    for (const row of rows.slice(0, rowsShown)) print(`${row.milliseconds.toFixed(0).padStart(8)} ms  ${row.where}\n`)
  }
}

/** Time in each function itself, most first, without idleness. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): readonly Row[] {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
  const times = new Map<string, number>()
  for (const [at, id] of samples.entries()) {
    const frame = byId.get(id)
    if (frame === undefined || frame.functionName === '(idle)' || frame.functionName === '(root)') continue
    const place = frame.url === '' ? '' : `  ${shortened(frame.url)}:${frame.lineNumber + 1}`
    const where = `${frame.functionName || '(anonymous)'}${place}`
    times.set(where, (times.get(where) ?? 0) + (timeDeltas[at + 1] ?? 0) / 1000)
  }
  return [...times]
    .map(([where, milliseconds]) => ({ where, milliseconds }))
    .toSorted((a, b) => b.milliseconds - a.milliseconds)
}

function shortened(url: string): string {
  const root = new URL('../../', import.meta.url).href
  return url.startsWith(root) ? url.slice(root.length) : url
}
