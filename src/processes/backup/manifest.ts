import { createHash } from 'node:crypto'
import { closeSync, createReadStream, fsyncSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

/** What a backup may hold, by name. */
const fileName = z
  .string()
  .regex(/^(?:anechoic\.db|wrapping\.key|return-path\.key|ledger\/(?:\d{4}-\d\d-\d\d|seen)\.db)$/)

const manifest = z.object({
  format: z.literal(1),
  version: z.string(),
  createdAt: z.string(),
  /** `keys.wrapping` of the relay it was made of, by which its keys open. */
  wrapping: z.string(),
  files: z.array(z.object({ name: fileName, size: z.int(), sha256: z.string() })),
})

export type Manifest = z.output<typeof manifest>

const manifestFile = 'manifest.json'

/** Writes it last: a backup without one was broken off. */
export async function writeManifest(
  directory: string,
  names: readonly string[],
  about: Pick<Manifest, 'version' | 'createdAt' | 'wrapping'>,
): Promise<Manifest> {
  const files = []
  for (const name of names) {
    syncFile(join(directory, name))
    files.push({ name, size: statSync(join(directory, name)).size, sha256: await hashOf(join(directory, name)) })
  }
  const written: Manifest = { format: 1, ...about, files }
  writeFileSync(join(directory, manifestFile), `${JSON.stringify(written, null, 2)}\n`, { mode: 0o600 })
  syncFile(join(directory, manifestFile))
  syncFile(directory)
  return written
}

/** Reads it and looks at every file that it names. Throws an Error in plain words when something is not as it was written. */
export async function readManifest(directory: string): Promise<Manifest> {
  const read = manifest.safeParse(parsed(join(directory, manifestFile)))
  if (!read.success) throw new Error(`${join(directory, manifestFile)} is no manifest of a backup`)
  for (const { name, size, sha256 } of read.data.files) {
    const file = join(directory, name)
    const same = statSync(file, { throwIfNoEntry: false })?.size === size && (await hashOf(file)) === sha256
    if (!same) throw new Error(`${file} is not as it was when the backup was made`)
  }
  return read.data
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
