import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Alone } from './growth/alone-client.ts'
import { change } from './growth/change.ts'
import { type Figure, type GrowthResults, type PartFigures, compared, growthTable } from './growth/figures.ts'
import { type Prepared, prepare } from './growth/grown-product.ts'
import { idle, large } from './growth/memory.ts'
import { type Station, closeStations, message, openStations, standing } from './growth/message.ts'
import { recovery } from './growth/recovery.ts'
import { loadToolsAreThere } from './load.ts'
import { describeMachine } from './machine.ts'
import type { PartResult } from './parts/part.ts'

/** What a message, a change and a start cost when customers and queued messages are many: `npm run bench -- growth`. */

const everyPart = ['policy', 'decide', 'queue', 'message', 'change', 'idle', 'large'] as const
type PartName = (typeof everyPart)[number]

type GrowthOptions = {
  readonly parts: readonly PartName[]
  readonly sizes: readonly number[]
  readonly messages: number
  readonly queued: number
  readonly connections: number
  readonly rounds: number
  readonly json: boolean
}

const usage = `usage: npm run bench -- growth [${everyPart.join('|')}]... [--customers 10,1000,100000] [--messages N] [--queued N] [--connections N] [--rounds N] [--json]`

/** Runs it; answers the exit code: 1 when something could not be measured, 2 on wrong use or where the load tools are missing. */
export async function runGrowth(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'string') return misused(`${options}\n${usage}`)
  if (!loadToolsAreThere())
    return misused("smtp-source and smtp-sink are not installed; they come with Debian's package postfix")
  const growth = new Growth(options)
  await growth.run()
  const results = growth.results()
  process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : growthTable(results))
  return growth.failures === 0 ? 0 : 1
}

class Growth {
  readonly #options: GrowthOptions
  readonly #machine = describeMachine()
  readonly #figures: Figure[] = []
  failures = 0
  readonly #prepared = new Map<number, Prepared>()
  #compared: Pick<GrowthResults, 'runs' | 'ratios'> = { runs: [], ratios: {} }

  constructor(options: GrowthOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    try {
      await this.#run()
    } finally {
      for (const { directory } of this.#prepared.values()) rmSync(directory, { recursive: true, force: true })
    }
  }

  async #run(): Promise<void> {
    const { parts, connections } = this.#options
    const wanted = (part: PartName): boolean => parts.includes(part)
    if (wanted('policy')) await this.#attempt(() => this.#policies())
    if (wanted('decide')) await this.#attempt(() => this.#decisions())
    if (wanted('queue')) await this.#attempt(() => this.#queues())
    if (wanted('message') || wanted('change')) await this.#attempt(() => this.#products())
    if (wanted('idle')) {
      tell(`${connections} idle connections`)
      await this.#attempt(async () => this.#note('idle', await fresh((station) => idle(station, connections))))
    }
    for (const count of wanted('large') ? [1, 8, 20] : []) {
      tell(`${count} messages of 50 MB at the same time`)
      await this.#attempt(async () => this.#note('large', await fresh((station) => large(station, count))))
    }
  }

  /** What fails is told, and what was measured before it is not lost. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.failures += 1
      tell(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  results(): GrowthResults {
    return { machine: this.#machine, ...this.#compared, figures: this.#figures }
  }

  #note(part: string, figures: PartFigures): void {
    this.#figures.push(...figures.map((figure) => ({ part, ...figure })))
  }

  #add({ runs, ratios }: Pick<GrowthResults, 'runs' | 'ratios'>): void {
    this.#compared = { runs: [...this.#compared.runs, ...runs], ratios: { ...this.#compared.ratios, ...ratios } }
  }

  /** To be read; a product that runs in it takes it away. */
  async #preparedFor(customers: number): Promise<Prepared> {
    const known = this.#prepared.get(customers)
    if (known !== undefined) return known
    tell(`filling a registry with ${customers} customers and a key for each of their domains`)
    const made = await prepare(customers)
    this.#prepared.set(customers, made)
    return made
  }

  async #policies(): Promise<void> {
    for (const size of this.#options.sizes) {
      tell(`reading and applying a policy of ${size} customers`)
      this.#note('policy', await alone((child) => child.figures('policy', size)))
    }
  }

  /** All deciders stand at the same time and take turns. */
  async #decisions(): Promise<void> {
    const { sizes, rounds, messages } = this.#options
    const deciders = sizes.map(() => new Alone())
    try {
      for (const [at, size] of sizes.entries()) {
        const { dataDir } = await this.#preparedFor(size)
        const value = (await deciders[at]?.openDecider(size, dataDir)) ?? Number.NaN
        const name = 'RSS with the policy loaded'
        this.#note('decide', [{ size: `${size} customers`, name, value, unit: 'MB' }])
      }
      const measured = sizes.map(() => [] as PartResult[])
      for (let turn = 0; turn <= rounds; turn++) {
        tell(`judging, round ${turn} of ${rounds}`)
        for (const [at, child] of deciders.entries()) {
          const round = await child.decide(activeSenders, messages * 8)
          // The first warms up.
          if (turn > 0) measured[at]?.push(round)
        }
      }
      const rows = sizes.map((size, at) => ({ size: `${size} customers`, rounds: measured[at] ?? [] }))
      this.#add(compared('decide', rows))
    } finally {
      for (const child of deciders) child.end()
    }
  }

  async #queues(): Promise<void> {
    const { queued } = this.#options
    tell(`opening a queue of ${queued} messages`)
    this.#note('queue', await alone((child) => child.figures('queue', queued)))
    tell(`starting the product over a queue of ${queued} messages`)
    this.#note('queue', await recovery(queued))
  }

  async #products(): Promise<void> {
    const { parts, sizes } = this.#options
    const prepared: Prepared[] = []
    for (const size of sizes) prepared.push(await this.#preparedFor(size))
    this.#prepared.clear()
    const stations = await openStations(prepared)
    try {
      this.#note('start', standing(stations))
      if (parts.includes('message')) {
        const { figures, ...runs } = await message(stations, this.#options, tell)
        this.#figures.push(...figures)
        this.#add(runs)
      }
      if (!parts.includes('change')) return
      for (const { grown } of stations) {
        tell(`changing one grant of ${grown.customers} customers`)
        this.#note('change', await change(grown, tell))
      }
    } finally {
      await closeStations(stations)
    }
  }
}

/** Of how many customers the judged messages are, where there are so many. */
const activeSenders = 1000

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Memory is looked at in a product that has done nothing else before. */
async function fresh(measure: (station: Station) => Promise<PartFigures>): Promise<PartFigures> {
  const stations = await openStations([await prepare(10)])
  try {
    return await measure(stations[0] as Station)
  } finally {
    await closeStations(stations)
  }
}

async function alone<T>(work: (child: Alone) => Promise<T>): Promise<T> {
  const child = new Alone()
  try {
    return await work(child)
  } finally {
    child.end()
  }
}

function readOptions(args: readonly string[]): GrowthOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        customers: { type: 'string', default: '10,1000,100000' },
        messages: { type: 'string', default: '2500' },
        queued: { type: 'string', default: '200000' },
        connections: { type: 'string', default: '2000' },
        rounds: { type: 'string', default: '7' },
        json: { type: 'boolean', default: false },
      },
    })
    const unknown = positionals.filter((name) => !everyPart.some((part) => part === name))
    if (unknown.length > 0) return `unknown: ${unknown.join(' ')}`
    return {
      parts: everyPart.filter((part) => positionals.length === 0 || positionals.includes(part)),
      sizes: values.customers.split(',').map((text) => count('customers', text, 10, 1_000_000)),
      messages: count('messages', values.messages, 100, 1_000_000),
      queued: count('queued', values.queued, 200, 10_000_000),
      connections: count('connections', values.connections, 1, 2000),
      rounds: count('rounds', values.rounds, 1, 100),
      json: values.json,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function count(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`--${name} must be a whole number from ${least} to ${most}`)
  return value
}

function misused(why: string): number {
  process.stderr.write(`${why}\n`)
  return 2
}
