import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The shards of a data directory that are there, in order. */
function shardsIn(dataDir: string): readonly number[] {
  const directory = join(dataDir, 'custody')
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => /^(?:0|[1-9]\d{0,3})$/.test(name))
    .map(Number)
    .toSorted((one, other) => one - other)
}

/** Every shard that has a process of its own, and every other that is there. */
export function shardsOf(dataDir: string, workers: number): readonly number[] {
  const own = Array.from({ length: workers }, (_, shard) => shard)
  return [...own, ...shardsIn(dataDir).filter((shard) => shard >= workers)]
}

/** Which of so many relays has a shard: its own, or the one that looks after it. */
export function keeperOf(shard: number, workers: number): number {
  return shard % workers
}

/** The shards that a relay looks after, beside its own. */
export function adoptedBy(relay: number, dataDir: string, workers: number): readonly number[] {
  return shardsIn(dataDir).filter((shard) => shard >= workers && keeperOf(shard, workers) === relay)
}
