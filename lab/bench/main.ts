import { bench } from './bench.ts'
import { runGrowth } from './growth.ts'
import { runQueue } from './queue.ts'
import { type Stoppable, loadToolsAreThere } from './load.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { profile } from './profile.ts'
import { table } from './results.ts'

/** `npm run bench`: the relay against its peers, and each of its parts by itself. Exits 1 when something could not be measured, 2 on wrong use
 * or where the load tools are missing. */
async function main(args: readonly string[]): Promise<number> {
  const [verb, ...more] = args
  if (verb === 'growth') return leaveNothing(runGrowth(more))
  if (verb === 'queue') return leaveNothing(runQueue(more))
  const options = readOptions(args)
  if (typeof options === 'string') return misused(`${options}\n${usage}`)
  if (!loadToolsAreThere())
    return misused("smtp-source and smtp-sink are not installed; they come with Debian's package postfix")
  const cleanUp = new Set<Stoppable>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(
      signal,
      () => void Promise.allSettled([...cleanUp].map((one) => one.stop())).then(() => process.exit(1)),
    )
  if (options.verb === 'run') return run(options, cleanUp)
  await profile(options, print, cleanUp)
  return 0
}

/** What it started ends with this process, if that ends by `process.exit`. */
function leaveNothing(running: Promise<number>): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  return running
}

/** 1 when something that was there could not be measured. */
async function run(options: BenchOptions, cleanUp: Set<Stoppable>): Promise<number> {
  const { results, failures } = await bench(options, (line) => process.stderr.write(`${line}\n`), cleanUp)
  print(options.json ? `${JSON.stringify(results, null, 2)}\n` : `\n${table(results)}`)
  return failures > 0 ? 1 : 0
}

function print(text: string): void {
  process.stdout.write(text)
}

function misused(why: string): number {
  process.stderr.write(`${why}\n`)
  return 2
}

process.exitCode = await main(process.argv.slice(2))
