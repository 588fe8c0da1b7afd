import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type Finding, type Outcome, inputOf, tryInput } from './run.ts'
import { targets } from './targets/all.ts'
import type { WorkerData } from './worker.ts'

const usage = `usage: npm run fuzz -- [--inputs N] [--seed S] [--json], or --seed S --target NAME --input N to try one input again`

/** An input that takes longer than this hangs. */
const hangMs = 20_000

/** Exits 1 when an input broke something or hung, 2 on wrong use. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      target: { type: 'string' },
      input: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const [inputs, seed] = [Number(values.inputs), Number(values.seed)]
  if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) return misused()
  if (values.target !== undefined || values.input !== undefined) return again(values.target, Number(values.input), seed)
  const began = performance.now()
  const workers = Math.max(1, availableParallelism())
  const outcomes = (
    await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker, workers, inputs, seed)))
  ).flat()
  const seconds = (performance.now() - began) / 1000
  const report = {
    seed,
    inputs: outcomes.reduce((sum, one) => sum + one.inputs, 0),
    seconds: Math.round(seconds),
    findings: outcomes.flatMap((one) => one.findings),
    slowest: slowestOf(outcomes),
  }
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else tell(report)
  return report.findings.length > 0 ? 1 : 0
}

/** One worker's outcomes; a hang ends the worker and is a finding. */
async function work(worker: number, workers: number, inputs: number, seed: number): Promise<readonly Outcome[]> {
  const place = new Int32Array(new SharedArrayBuffer(8))
  const data: WorkerData = { seed, inputs, worker, workers, place }
  const thread = new Worker(new URL('./worker.ts', import.meta.url), { workerData: data })
  const outcomes: Outcome[] = []
  thread.on('message', (outcome: Outcome) => outcomes.push(outcome))
  const seen = { target: -1, input: -1, since: performance.now() }
  const watch = setInterval(() => {
    const [target = 0, input = 0] = place
    const now = performance.now()
    if (target !== seen.target || input !== seen.input) Object.assign(seen, { target, input, since: now })
    else if (now - seen.since > hangMs) {
      outcomes.push({ inputs: 0, findings: [hang(target, input, seed)], slowest: { target: '', input: 0, ms: hangMs } })
      void thread.terminate()
    }
  }, 500)
  try {
    await once(thread, 'exit')
  } finally {
    clearInterval(watch)
  }
  return outcomes
}

function hang(at: number, input: number, seed: number): Finding {
  const target = targets[at]
  if (target === undefined) throw new Error('a worker hangs before its first input')
  const octets = JSON.stringify(inputOf(target, seed, input).octets.toString('latin1')).slice(0, 4000)
  return { target: target.name, input, message: `it takes longer than ${hangMs} ms`, octets }
}

function slowestOf(
  outcomes: readonly Outcome[],
): readonly { readonly target: string; readonly input: number; readonly ms: number }[] {
  return outcomes
    .map(({ slowest }) => ({ ...slowest, ms: Math.round(slowest.ms) }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 5)
}

function again(name: string | undefined, input: number, seed: number): number {
  const target = targets.find((one) => one.name === name)
  if (target === undefined || !Number.isSafeInteger(input)) return misused()
  const finding = tryInput(target, seed, input)
  if (finding === null) process.stdout.write('it holds\n')
  else print(finding)
  return finding === null ? 0 : 1
}

function tell(report: {
  readonly seed: number
  readonly inputs: number
  readonly seconds: number
  readonly findings: readonly Finding[]
  readonly slowest: ReturnType<typeof slowestOf>
}): void {
  for (const finding of report.findings) print(finding)
  const slow = report.slowest.map(({ target, input, ms }) => `${target} ${input}: ${ms} ms`).join(', ')
  process.stdout.write(`the slowest inputs: ${slow}\n`)
  process.stdout.write(
    `${report.inputs} inputs in ${report.seconds} s, seed ${report.seed}, ${report.findings.length} findings\n`,
  )
}

function print({ target, input, message, octets }: Finding): void {
  process.stdout.write(`${target} ${input}: ${message}\n  ${octets}\n`)
}

function misused(): number {
  process.stderr.write(`${usage}\ntargets: ${targets.map((one) => one.name).join(', ')}\n`)
  return 2
}

try {
  process.exitCode = await main()
} catch (error) {
  const misspelt = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${misspelt ? `${error.message}\n${usage}` : String((error as Error).stack)}\n`)
  process.exitCode = misspelt ? 2 : 70
}
