import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '../../../platform/clock.ts'
import { LockHeldError, holdLock } from '../../../platform/lock.ts'
import type { Log } from '../../../platform/log.ts'
import type { Custody } from '../custody.ts'
import { CustodyError } from '../custody-error.ts'
import { syncDirectory } from './body-files.ts'
import { FreeSpace } from './free-space.ts'
import type { ReaderData } from './reader.ts'
import { bodyDirectory } from './schema.ts'
import { SqliteCustody } from './sqlite-custody.ts'
import { ThreadClient } from './thread-client.ts'
import type { ReadRequest, WriteRequest, WriterOpened } from './wire.ts'
import type { WriterData } from './writer.ts'

export type CustodyOptions = {
  readonly dataDir: string
  readonly shard: number
  readonly log: Log
  /** Free octets of the disk below which nothing more is accepted, so that what is here can still be settled. Default 256 MB. */
  readonly reserveBytes?: number
  /** How long to wait for a leaving owner, in milliseconds. Default 10 s. */
  readonly waitMs?: number
  readonly clock?: Clock
}

/** The directory of a shard below the data directory. */
export function shardDirectory(dataDir: string, shard: number): string {
  return join(dataDir, 'custody', String(shard))
}

/**
 * Takes a shard for this process and opens it, making it when it is new. Throws `CustodyError`: `in-use` when another process
 * goes on owning it, `disk` when the database cannot be opened.
 */
export async function openShard(
  options: CustodyOptions,
  writerModule = new URL('./writer-thread.ts', import.meta.url),
): Promise<Custody> {
  const { shard, log, reserveBytes = 268_435_456, clock = systemClock } = options
  const directory = shardDirectory(options.dataDir, shard)
  await makeDirectories(directory)
  const lock = await takeLock(directory, options.waitMs ?? 10_000)
  const space = new FreeSpace(directory, reserveBytes)
  const aside = new Set<string>()
  const writer = new ThreadClient<WriteRequest, WriterOpened>({
    name: 'writer',
    module: writerModule,
    data: (again): WriterData => ({ directory, sweep: !again, now: clock.now() }),
    log,
    onOpened: (opened) => opened.aside.forEach((id) => aside.add(id)),
  })
  const newReader = (name: string): ThreadClient<ReadRequest, null> =>
    new ThreadClient({
      name,
      module: new URL('./reader-thread.ts', import.meta.url),
      data: (): ReaderData => ({ directory, shard }),
      log,
      onOpened: () => undefined,
    })
  const reader = newReader('reader')
  try {
    await writer.open()
    await reader.open()
    await space.look()
  } catch (error) {
    await writer.close()
    space.stop()
    lock.release()
    throw error
  }
  return new SqliteCustody({
    directory,
    writer,
    reader,
    surveyor: newReader('surveyor'),
    space,
    lock,
    aside,
    clock,
    log,
  })
}

/** New names are durable only when their directories are. */
async function makeDirectories(directory: string): Promise<void> {
  await mkdir(bodyDirectory(directory), { recursive: true, mode: 0o750 })
  await syncDirectory(directory)
  await syncDirectory(dirname(directory))
  await syncDirectory(dirname(dirname(directory)))
}

async function takeLock(directory: string, waitMs: number): ReturnType<typeof holdLock> {
  try {
    return await holdLock(join(directory, 'owner.lock'), waitMs)
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error
    throw new CustodyError('in-use', `${directory} belongs to another process that has not ended`, null, error)
  }
}
