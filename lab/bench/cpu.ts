import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { processTable } from '../world/process-table.ts'

/** Microseconds in a clock tick of /proc, which is what the kernel tells times in (proc(5)). */
const tickUs = 1e6 / Number(spawnSync('getconf', ['CLK_TCK']).stdout?.toString() || '100')

/** A process and its part: for ours the name that it plays, for others their program. */
export type Member = { readonly pid: number; readonly name: string }

/** Processor time used so far by these processes and by all that they started, ended ones included. Microseconds. */
export type CpuUse = { readonly total: number; readonly byName: ReadonlyMap<string, number> }

/** These processes and everything below them. */
export function family(roots: readonly Member[]): readonly Member[] {
  const all = processTable()
  const found = roots.filter((root) => all.some((one) => one.pid === root.pid))
  for (let at = 0; at < found.length; at++) {
    for (const { pid, parent, name } of all) {
      if (parent === found[at]?.pid) found.push({ pid, name: name === 'other' ? programOf(pid) : name })
    }
  }
  return found
}

/** What ended and was waited for stands in its parent's `cutime` and `cstime`, so nothing is lost between two looks. */
export function cpuOf(roots: readonly Member[]): CpuUse {
  const byName = new Map<string, number>()
  let total = 0
  for (const { pid, name } of family(roots)) {
    const used = cpuOfProcess(pid)
    byName.set(name, (byName.get(name) ?? 0) + used)
    total += used
  }
  return { total, byName }
}

/** Microseconds between two looks, per name. */
export function cpuBetween(before: CpuUse, after: CpuUse): CpuUse {
  const byName = new Map<string, number>()
  for (const name of new Set([...before.byName.keys(), ...after.byName.keys()]))
    byName.set(name, (after.byName.get(name) ?? 0) - (before.byName.get(name) ?? 0))
  return { total: after.total - before.total, byName }
}

export type Memory = { readonly rssMegabytes: number; readonly pssMegabytes: number }

/** Resident memory of a family: RSS counts a shared page once for each process that has it, PSS shares it out. */
export function memoryOf(roots: readonly Member[]): Memory {
  let rss = 0
  let pss = 0
  for (const { pid } of family(roots)) {
    const rollup = readOr(`/proc/${pid}/smaps_rollup`)
    rss += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
    pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
  }
  return { rssMegabytes: rss / 1024, pssMegabytes: pss / 1024 }
}

/** Processor time of the whole machine: what was used by anybody, and how much there was. Microseconds. */
export type MachineCpu = { readonly busy: number; readonly all: number }

export function machineCpu(): MachineCpu {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = readOr('/proc/stat')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const busy = user + nice + system + irq + softirq + steal
  return { busy: busy * tickUs, all: (busy + idle + wait) * tickUs }
}

/** User and system time of one process, and of its children that have ended and were waited for. Microseconds. */
export function cpuOfProcess(pid: number): number {
  const stat = readOr(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0) * tickUs
}

/** Microseconds per thread name of one process since it began. */
export function cpuOfThreads(pid: number): ReadonlyMap<string, number> {
  const byName = new Map<string, number>()
  for (const thread of listOr(`/proc/${pid}/task`)) {
    const name = readOr(`/proc/${pid}/task/${thread}/comm`).trim()
    const label = Number(thread) === pid ? 'main' : name
    const nanoseconds = Number(readOr(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0)
    byName.set(label, (byName.get(label) ?? 0) + nanoseconds / 1000)
  }
  return byName
}

function programOf(pid: number): string {
  return readOr(`/proc/${pid}/comm`).trim() || 'ended'
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // It ended between the two looks.
    return ''
  }
}

function listOr(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
