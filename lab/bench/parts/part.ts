import { cpuOfProcess } from '../cpu.ts'
import { percentile } from '../probe.ts'

/** What is asked of a part. */
export type PartOptions = { readonly messages: number; readonly connections: number }

/** What one part of the relay costs by itself. */
export type PartResult = {
  readonly messagesPerSecond: number
  readonly cpuMicrosecondsPerMessage: number
  readonly rssMegabytes: number
  /** How long one message takes in it, in milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** A part by itself, in a process of its own. It has warmed up when it is measured. */
export type Part = (options: PartOptions) => Promise<PartResult>

/** Runs `work` for so many messages and takes what this process and `helpers` used meanwhile. `work` resolves to the time of each, in milliseconds. */
export async function measured(
  messages: number,
  helpers: readonly number[],
  work: () => Promise<readonly number[]>,
): Promise<PartResult> {
  const used = (): number => helpers.reduce((sum, pid) => sum + cpuOfProcess(pid), 0)
  const helpersBefore = used()
  const before = process.cpuUsage()
  const began = performance.now()
  const times = await work()
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(before)
  return {
    messagesPerSecond: messages / seconds,
    cpuMicrosecondsPerMessage: (user + system + used() - helpersBefore) / messages,
    rssMegabytes: process.memoryUsage.rss() / 1_048_576,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  }
}

/** Does it for each message, so many at a time, and answers how long each took. */
export async function concurrently(
  messages: number,
  atOnce: number,
  one: (number: number) => Promise<unknown>,
): Promise<readonly number[]> {
  const times: number[] = []
  const state = { next: 0 }
  const work = async (): Promise<void> => {
    while (state.next < messages) {
      const began = performance.now()
      await one(state.next++)
      times.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return times
}

/** A message of the usual size, as ingress would hand it over. */
export function bodyOf(octets: number): Buffer {
  return Buffer.from(`${'x'.repeat(78)}\r\n`.repeat(Math.ceil(octets / 80)))
}

export const quietLog = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quietLog }

function nothing(): void {}
