import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShapingNotice } from '../path/delivery/index.ts'

const nameOf = (shard: number): string => `shaping-${shard}.json`
const anyName = /^shaping-(\d+)\.json$/

/** What was in force when the relay of a shard last ran; nothing where there is no such file, or none that can be read. */
export function readNotices(dataDir: string, shard: number): readonly ShapingNotice[] {
  try {
    const { notices } = JSON.parse(readFileSync(join(dataDir, nameOf(shard)), 'utf8')) as Kept
    return Array.isArray(notices) ? notices : []
  } catch {
    // It only says what the next replies would teach again.
    return []
  }
}

/** Writes what is in force, as a whole or not at all. */
export function writeNotices(dataDir: string, shard: number, notices: readonly ShapingNotice[]): void {
  const file = join(dataDir, nameOf(shard))
  const fresh = `${file}.new`
  try {
    writeFileSync(fresh, JSON.stringify({ notices } satisfies Kept), { mode: 0o600 })
    renameSync(fresh, file)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

/** The shards of which something is kept. */
export function shardsWithNotices(dataDir: string): readonly number[] {
  return readdirSync(dataDir).flatMap((name) => {
    const shard = anyName.exec(name)?.[1]
    return shard === undefined ? [] : [Number(shard)]
  })
}

type Kept = { readonly notices: readonly ShapingNotice[] }
