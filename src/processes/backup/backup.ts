import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/index.ts'
import { systemClock } from '../../platform/clock.ts'
import { sqlitePath } from '../../platform/sql.ts'
import { copyDatabase } from '../../platform/sql-copy.ts'
import { returnPathKeyFile } from '../return-path-key.ts'
import { StartFailure } from '../start-failure.ts'
import { type Manifest, writeManifest } from './manifest.ts'

export type BackupOptions = {
  readonly version: string
  /** The days of the ledger and the table of who was seen, too. */
  readonly ledger: boolean
  /** The wrapping key, too: whoever has the backup then has the private keys. */
  readonly wrappingKey: boolean
}

/**
 * Writes a backup into a new directory, beside a running relay or without one: each database as it is at one moment. Mail in custody is
 * not part of it, since an old copy would send again what was delivered long ago. Throws `StartFailure` in plain words.
 */
export async function backUp(config: Config, directory: string, options: BackupOptions): Promise<Manifest> {
  const store = sqlitePath(config.store.url)
  if (!existsSync(store)) throw new StartFailure(`there is nothing to back up: ${store} does not exist`)
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new StartFailure(`${directory} is not empty: a backup goes into a directory of its own`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const names = ['anechoic.db']
  await copyDatabase(store, join(directory, 'anechoic.db'))
  const returnPathKey = join(config.dataDir, returnPathKeyFile)
  if (existsSync(returnPathKey)) {
    copyFileSync(returnPathKey, join(directory, returnPathKeyFile))
    names.push(returnPathKeyFile)
  }
  if (options.ledger) names.push(...(await copyLedger(join(config.dataDir, 'ledger'), directory)))
  if (options.wrappingKey) names.push(copyWrappingKey(config, directory))
  return writeManifest(directory, names, {
    version: options.version,
    createdAt: new Date(systemClock.now()).toISOString(),
    wrapping: config.keys.wrapping,
  })
}

async function copyLedger(from: string, directory: string): Promise<readonly string[]> {
  if (!existsSync(from)) return []
  mkdirSync(join(directory, 'ledger'), { mode: 0o700 })
  const files = readdirSync(from).filter((name) => /^(?:\d{4}-\d\d-\d\d|seen)\.db$/.test(name))
  for (const name of files) await copyDatabase(join(from, name), join(directory, 'ledger', name))
  return files.map((name) => `ledger/${name}`)
}

function copyWrappingKey({ keys }: Config, directory: string): string {
  if (!keys.wrapping.startsWith('file:'))
    throw new StartFailure(
      `the wrapping key is not in a file (${keys.wrapping.split(':')[0]}): keep it where it is kept`,
    )
  copyFileSync(keys.wrapping.slice('file:'.length), join(directory, 'wrapping.key'))
  return 'wrapping.key'
}
