import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureKeyFile } from '../platform/key-file.ts'
import { Secret } from '../standards/secret.ts'

/** Its name in the data directory, and in a backup. */
export const returnPathKeyFile = 'return-path.key'

/**
 * The key by which return-path addresses are ours, for all processes of this data directory and across restarts. It is no signing key:
 * who has it can have a bounce believed that nobody sent.
 */
export function readReturnPathKey(dataDir: string): Secret<Buffer> {
  const file = join(dataDir, returnPathKeyFile)
  ensureKeyFile(file)
  const key = Buffer.from(readFileSync(file, 'latin1').trim(), 'base64')
  if (key.length !== 32) throw new Error(`${file} is not 32 octets in base64: put it back from a backup, or remove it`)
  return new Secret(key)
}
