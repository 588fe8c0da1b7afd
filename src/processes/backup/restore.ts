import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../../config/index.ts'
import { systemClock } from '../../platform/clock.ts'
import { openStore, sqlitePath } from '../../platform/sql.ts'
import { changeDatabase, emptyTables } from '../../platform/sql-copy.ts'
import { migrateRegistry, openRegistry } from '../../rooms/registry/index.ts'
import { wrapAnew } from '../../signer/index.ts'
import { tryDataDirectory } from '../data-directory.ts'
import { returnPathKeyFile } from '../return-path-key.ts'
import { StartFailure } from '../start-failure.ts'
import { type Manifest, readManifest, syncFile } from './manifest.ts'

export type Restored = {
  readonly manifest: Manifest
  readonly keys: number
  /** Keys that the wrapping key of this configuration does not open, or all when there is none. */
  readonly unopened: number
  /** What has to be done before the first start, in words; null when nothing has. */
  readonly toDo: string | null
}

/** Keys looked at in one run of the signer. */
const pageSize = 500
const dayMs = 86_400_000

/**
 * Puts a backup into an empty data directory, and tells whether its keys open there. Everything is looked at before anything is written;
 * the store comes last, so what was broken off has none. With `dryRun` only the backup is looked at. Throws `StartFailure` in plain words.
 */
export async function restore(config: Config, directory: string, dryRun: boolean): Promise<Restored> {
  const manifest = await readManifest(directory).catch((error: unknown) => {
    throw new StartFailure((error as Error).message)
  })
  if (dryRun) return { manifest, keys: 0, unopened: 0, toDo: null }
  const lock = tryDataDirectory(config)
  if (lock === null) throw new StartFailure(`${config.dataDir} is in use by a running instance`)
  try {
    mustBeEmpty(config, manifest, directory)
    const store = sqlitePath(config.store.url)
    for (const { name } of manifest.files) {
      if (name === 'wrapping.key') putWrappingKey(config, join(directory, name))
      if (name === returnPathKeyFile) put(join(directory, name), join(config.dataDir, name), guarded)
      if (name.startsWith('ledger/')) putLedger(join(directory, name), join(config.dataDir, name))
    }
    mkdirSync(dirname(store), { recursive: true, mode: 0o700 })
    put(join(directory, 'anechoic.db'), store, (file) => emptyTables(file, progressTables))
    return { manifest, ...(await keysThatOpen(config)) }
  } finally {
    lock.release()
  }
}

function mustBeEmpty({ dataDir, store, keys }: Config, manifest: Manifest, directory: string): void {
  const there = readdirSync(dataDir).filter((name) => name !== 'run' && join(dataDir, name) !== placeOf(keys.wrapping))
  if (there.length > 0)
    throw new StartFailure(`${dataDir} is not empty (${there.join(', ')}): a backup is put into an empty one`)
  if (existsSync(sqlitePath(store.url))) throw new StartFailure(`${store.url} is there already`)
  const place = placeOf(keys.wrapping)
  if (!manifest.files.some(({ name }) => name === 'wrapping.key') || place === null || !existsSync(place)) return
  if (!readFileSync(place).equals(readFileSync(join(directory, 'wrapping.key'))))
    throw new StartFailure(`${place} is another wrapping key than that of the backup`)
}

/** The file of `file:PATH`. */
function placeOf(wrapping: string): string | null {
  return wrapping.startsWith('file:') ? wrapping.slice('file:'.length) : null
}

/** How far each that follows the ledger had read the queue before: the new one counts from 1 again. */
const progressTables = ['ledger_progress', 'suppression_progress', 'bulk_progress']

function putWrappingKey({ keys }: Config, from: string): void {
  const place = placeOf(keys.wrapping)
  if (place === null)
    throw new StartFailure('the backup holds a wrapping key, and keys.wrapping names no file to put it into')
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
  put(from, place, guarded)
}

function guarded(file: string): void {
  chmodSync(file, 0o600)
}

/**
 * The queue of this relay is a new one and counts its events from 1: what the queue before it counted must not be taken for the same. Only
 * days that this one can still write into matter.
 */
function putLedger(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o750 })
  const day = Date.parse(/(\d{4}-\d\d-\d\d)\.db$/.exec(to)?.[1] ?? '')
  const recent = day >= systemClock.now() - 2 * dayMs
  put(from, to, (file) => {
    if (to.endsWith('seen.db')) changeDatabase(file, ['DELETE FROM progress'])
    else if (recent)
      changeDatabase(file, [
        'UPDATE event SET shard = (SELECT min(0, min(shard)) FROM event) - 1 - shard WHERE shard >= 0',
      ])
  })
}

/** On disk under its name, whole, or not there. */
function put(from: string, to: string, finish: (file: string) => void): void {
  const fresh = `${to}.restoring`
  copyFileSync(from, fresh)
  finish(fresh)
  syncFile(fresh)
  renameSync(fresh, to)
  syncFile(dirname(to))
}

async function keysThatOpen(config: Config): Promise<Pick<Restored, 'keys' | 'unopened' | 'toDo'>> {
  const { wrapping } = config.keys
  const store = openStore(config.store.url)
  try {
    await migrateRegistry(store)
    const registry = openRegistry(store, config.operator.domain, systemClock)
    const place = placeOf(wrapping)
    const absent = place !== null && !existsSync(place)
    let [keys, unopened] = [0, 0]
    for (let after: string | null = null; ;) {
      const page = await registry.wrappedKeys(after, pageSize)
      if (page.length === 0) break
      const opened = absent ? [] : await openedOf(wrapping, page)
      keys += page.length
      unopened += page.length - opened.filter((one) => one !== null).length
      after = page.at(-1)?.at ?? null
    }
    const toDo =
      unopened === 0
        ? null
        : absent
          ? `put the wrapping key of the old relay into ${place} before the first start: a start without it makes another`
          : `${wrapping.split(':')[0]} of keys.wrapping does not give the wrapping key of the old relay`
    return { keys, unopened, toDo }
  } finally {
    await store.destroy()
  }
}

/** A wrapping key that cannot be had opens nothing. */
function openedOf(
  wrapping: string,
  page: Parameters<typeof wrapAnew>[2] extends readonly (infer Key)[] ? readonly { readonly key: Key }[] : never,
): Promise<readonly (string | null)[]> {
  const keys = page.map(({ key }) => key)
  return wrapAnew(wrapping, wrapping, keys).catch(() => [])
}
