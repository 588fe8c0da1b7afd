import { parseArgs } from 'node:util'
import { runKillDrill } from './kill-drill.ts'
import { type DrillOptions, type NotHere, type Report, isNotHere } from './report.ts'
import { variants } from './variants/variants.ts'

const usage = `usage: npm run drill -- [--kills N [--workers N] | --variant ${Object.keys(variants).join('|')}] [--seed S] [--connections N] [--json]`

/** Runs one drill. Exits 1 when something was lost, changed or sent too often, 2 on wrong use. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      workers: { type: 'string', default: '1' },
      variant: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      connections: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  })
  const kills = Number(values.kills ?? '100')
  const options: DrillOptions = {
    seed: Number(values.seed),
    connections: Number(values.connections),
    say: (line) => void process.stderr.write(`${line}\n`),
  }
  const variant = values.variant === undefined ? null : (variants[values.variant] ?? undefined)
  const workers = Number(values.workers)
  const numbers = [kills, workers, options.seed, options.connections]
  if (variant === undefined || (variant !== null && values.kills !== undefined)) return misused()
  if (!numbers.every(Number.isSafeInteger) || Math.min(kills, workers) < 1 || options.connections < 1) return misused()
  const report = await (variant === null ? runKillDrill({ ...options, kills, workers }) : variant(options))
  print(report, values.json)
  return isNotHere(report) || report.faults.length === 0 ? 0 : 1
}

function print(report: Report | NotHere, json: boolean): void {
  if (isNotHere(report)) {
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${report.drill}: not done, ${report.lacking}\n`)
    return
  }
  const { tally, ...rest } = report
  if (json) process.stdout.write(`${JSON.stringify({ ...tally, ...rest })}\n`)
  else for (const line of inWords(report)) process.stdout.write(`${line}\n`)
}

function inWords({ drill, seed, tally, figures, faults }: Report): readonly string[] {
  const lines = Object.entries({ ...tally, ...figures }).map(([name, count]) => `${String(count).padStart(8)}  ${name}`)
  return [
    `drill ${drill}, seed ${seed}`,
    ...lines,
    ...(faults.length === 0 ? ['it holds'] : faults.map((one) => `FAULT ${one}`)),
  ]
}

function misused(): number {
  process.stderr.write(`${usage}\n`)
  return 2
}

try {
  process.exitCode = await main()
} catch (error) {
  const misspelt = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${misspelt ? `${error.message}\n${usage}` : String((error as Error).stack)}\n`)
  process.exitCode = misspelt ? 2 : 70
}
