import { parseArgs } from 'node:util'

/** What the command line asked for. */
export type BenchOptions = {
  readonly verb: 'run' | 'profile'
  readonly json: boolean
  /** Messages of each measured round of a relay. */
  readonly messages: number
  /** Messages sent before anything is measured. */
  readonly warmUp: number
  readonly connections: number
  /** A round is no longer than about this many seconds: a slow relay gets fewer messages. */
  readonly seconds: number
  readonly rounds: number
  /** Only what has one of these words in its name; empty means everything. */
  readonly only: readonly string[]
  /** Where `profile` leaves its files; null: a new temporary directory. */
  readonly out: string | null
}

export const usage = `usage: npm run bench -- [profile] [--json] [--messages N] [--warm-up N] [--connections N] [--rounds N] [--seconds N] [--only NAME]... [--out DIRECTORY]\n       npm run bench -- growth ...\n       npm run bench -- queue ...`

/** Reads the command line; a string says what is wrong with it. */
export function readOptions(args: readonly string[]): BenchOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        messages: { type: 'string', default: '5000' },
        'warm-up': { type: 'string', default: '5000' },
        connections: { type: 'string', default: '20' },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '8' },
        only: { type: 'string', multiple: true, default: [] },
        out: { type: 'string' },
      },
    })
    const [verb = 'run', ...more] = positionals
    if ((verb !== 'run' && verb !== 'profile') || more.length > 0) return `unknown: ${positionals.join(' ')}`
    return {
      verb,
      json: values.json,
      messages: count('messages', values.messages, 1, 1_000_000),
      warmUp: count('warm-up', values['warm-up'], 1, 100_000),
      connections: count('connections', values.connections, 1, 90),
      rounds: count('rounds', values.rounds, 1, 100),
      seconds: count('seconds', values.seconds, 1, 3600),
      only: values.only,
      out: values.out ?? null,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function count(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`--${name} is a whole number from ${least} to ${most}`)
  return value
}
