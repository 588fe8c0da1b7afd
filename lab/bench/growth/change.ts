import { setTimeout as pause } from 'node:timers/promises'
import { isPolicyProblems, readPolicy } from '../../../src/rooms/registry/index.ts'
import { cpuOfProcess } from '../cpu.ts'
import { median } from '../probe.ts'
import type { PartFigures } from './figures.ts'
import { type GrownProduct, relayOf } from './grown-product.ts'
import { policyAsJson } from './many-customers.ts'
import { sizeOf } from './message.ts'
import { context, registryIn } from './prepared.ts'
import { openAs, sendOne } from './senders.ts'

const times = 5
/** Whose grant is taken and given. */
const customer = 3

/**
 * One grant taken away and given back, from the moment at which the registry has it until the relay answers by it; then the same through
 * the server, which is given the whole policy, while it is asked for its health.
 */
export async function change(grown: GrownProduct, tell: (line: string) => void): Promise<PartFigures> {
  const { customers, dataDir, product } = grown
  const whole = policyAsJson(customers)
  const without = policyAsJson(customers, customer)
  const { registry, close } = await registryIn(dataDir)
  const read = await Promise.all([without, whole].map((text) => readPolicy(text, 'policy', context)))
  const live: number[] = []
  const relay = relayOf(grown)
  const cpuBefore = cpuOfProcess(relay)
  for (let time = 0; time < times; time++) {
    for (const [at, policy] of read.entries()) {
      if (isPolicyProblems(policy)) throw new Error(policy.lines[0])
      await registry.apply(policy, 'the benchmark')
      live.push(await untilAnswered(product.smtpPort, at === 0 ? 550 : 250))
    }
  }
  const relayCpu = (cpuOfProcess(relay) - cpuBefore) / 1000 / live.length
  await close()
  tell('the same through the server')
  const server = await throughServer(grown, without, whole)
  const size = sizeOf(grown)
  return [
    { size, name: 'grant live in the relay after its commit, median', value: median(live), unit: 'ms' },
    { size, name: 'grant live in the relay after its commit, longest', value: Math.max(...live), unit: 'ms' },
    { size, name: 'CPU of the relay for a change and its probes', value: relayCpu, unit: 'ms' },
    ...server.map((figure) => ({ size, ...figure })),
  ]
}

/** Milliseconds until a message of the customer is answered so. */
async function untilAnswered(port: number, code: number): Promise<number> {
  const began = performance.now()
  const client = await openAs(port, customer)
  try {
    while ((await sendOne(client, customer)).code !== code) {
      if (performance.now() - began > 30_000) throw new Error(`the relay does not answer ${code}`)
      await pause(5)
    }
    return performance.now() - began
  } finally {
    await client.quit()
  }
}

async function throughServer(
  { product }: GrownProduct,
  without: string,
  whole: string,
): Promise<readonly { readonly name: string; readonly value: number; readonly unit: 'ms' | 'MB' }[]> {
  const control = product.processes().find((one) => one.name === 'control')?.pid ?? 0
  const health = askHealth(product.httpUrl)
  const before = cpuOfProcess(control)
  const began = performance.now()
  await product.operations.applyPolicy({ file: 'p.json', text: without, dryRun: false, by: 'the benchmark' })
  const answered = performance.now() - began
  const live = await untilAnswered(product.smtpPort, 550)
  const cpu = (cpuOfProcess(control) - before) / 1000
  const slowest = await health.stop()
  await product.operations.applyPolicy({ file: 'p.json', text: whole, dryRun: false, by: 'the benchmark' })
  return [
    { name: 'apply of the whole policy with one change, answered', value: answered, unit: 'ms' },
    { name: 'its grant live in the relay after the answer', value: live, unit: 'ms' },
    { name: 'CPU of control for it', value: cpu, unit: 'ms' },
    { name: 'slowest answer of /healthz meanwhile', value: slowest, unit: 'ms' },
  ]
}

/** Asks for the server's health all the time; answers the longest wait. */
function askHealth(url: string): { stop(): Promise<number> } {
  const state = { stopped: false, longest: 0 }
  const asking = (async () => {
    while (!state.stopped) {
      const began = performance.now()
      await (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).text()
      state.longest = Math.max(state.longest, performance.now() - began)
      await pause(20)
    }
  })()
  // Heard of when it is stopped.
  asking.catch(() => {})
  return {
    stop: async () => {
      state.stopped = true
      await asking
      return state.longest
    },
  }
}
