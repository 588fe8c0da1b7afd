import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What a piece of work took of this process, its threads included. */
export type Effort<T> = {
  readonly value: T
  readonly cpuMs: number
  readonly wallMs: number
  /** The longest moment in which the process answered nobody. */
  readonly stallMs: number
  readonly peakMegabytes: number
}

export async function effortOf<T>(work: () => Promise<T>): Promise<Effort<T>> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  let peak = process.memoryUsage.rss()
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 20)
  delay.enable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  try {
    const value = await work()
    const used = process.cpuUsage(cpu)
    return {
      value,
      cpuMs: (used.user + used.system) / 1000,
      wallMs: performance.now() - began,
      stallMs: Number.isFinite(delay.max) ? delay.max / 1e6 : 0,
      peakMegabytes: Math.max(peak, process.memoryUsage.rss()) / 1_048_576,
    }
  } finally {
    clearInterval(sampler)
    delay.disable()
  }
}
