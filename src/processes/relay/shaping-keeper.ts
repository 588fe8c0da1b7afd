import type { ShapingChoice, ShapingFace, ShapingNotice } from '../../path/delivery/index.ts'
import type { Log } from '../../platform/log.ts'
import { readNotices, writeNotices } from '../shaping-files.ts'
import type { ShapingRead } from '../shaping-profiles.ts'

/** Actions that changed within so many milliseconds are written together. */
const writeAfterMs = 100

/** Keeps what shaping has learnt: over a restart, and the same for all shards that this relay delivers. */
export type ShapingKeeper = {
  /** What is wrong with the profiles that it began with; then those built in hold. */
  readonly problems: readonly string[]
  /** What delivery begins with. */
  readonly choice: ShapingChoice
  /** Makes a delivery one of those that know the same. */
  join(face: ShapingFace): void
  /** Takes up profiles that were read again; with problems the old ones stay. */
  reload(read: ShapingRead): readonly string[]
  close(): void
}

export function openShapingKeeper(options: {
  readonly dataDir: string
  readonly shard: number
  readonly read: ShapingRead
  readonly log: Log
}): ShapingKeeper {
  const { dataDir, shard, read, log } = options
  const faces: ShapingFace[] = []
  for (const problem of read.problems)
    log.error('the profiles of receivers have errors; those built in hold', { problem })
  const state: { profiles: ShapingChoice['profiles']; timer: NodeJS.Timeout | null } = {
    profiles: read.profiles,
    timer: null,
  }
  const write = (): void => {
    if (state.timer !== null) clearTimeout(state.timer)
    state.timer = null
    const [own] = faces
    if (own === undefined) return
    try {
      writeNotices(dataDir, shard, own.list())
    } catch (error) {
      log.warn('what is in force at receivers could not be kept', { error: String(error) })
    }
  }
  const changed = (notice: ShapingNotice, from: ShapingFace): void => {
    for (const one of faces) if (one !== from) one.apply(notice)
    state.timer ??= setTimeout(write, writeAfterMs).unref()
  }
  return {
    problems: read.problems,
    get choice() {
      const [own] = faces
      return { profiles: state.profiles, notices: own?.list() ?? readNotices(dataDir, shard) }
    },
    join: (face) => {
      faces.push(face)
      face.onNotice((notice) => changed(notice, face))
    },
    reload: (again) => {
      if (again.problems.length > 0) return again.problems
      state.profiles = again.profiles
      for (const one of faces) one.follow(again.profiles)
      return []
    },
    close: () => {
      if (state.timer !== null) write()
    },
  }
}
