import { randomBytes } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** A body up to this many octets stands in the database, a longer one in a file of its own. */
export const inlineBodyLimit = 1_048_576

/** Octets of the pieces in which a body is read. */
export const pieceSize = 262_144

export type BodyFile = { readonly name: string; readonly checksum: number }

/** Writes a body to a file of its own; file and directory are on disk when it resolves. What it began is removed when it rejects. */
export async function writeBodyFile(directory: string, id: string, body: readonly Buffer[]): Promise<BodyFile> {
  const name = `${id}-${randomBytes(4).toString('hex')}`
  const file = join(directory, name)
  const handle = await open(file, 'wx', 0o640)
  try {
    let checksum = 0
    for (const piece of body) {
      checksum = crc32(piece, checksum)
      await writeWhole(handle, piece)
    }
    await handle.sync()
    await handle.close()
    await syncDirectory(directory)
    return { name, checksum }
  } catch (error) {
    await handle.close().catch(() => undefined)
    await removeBodyFile(directory, name)
    throw error
  }
}

async function writeWhole(handle: FileHandle, piece: Buffer): Promise<void> {
  let written = 0
  while (written < piece.length) written += (await handle.write(piece, written)).bytesWritten
}

/**
 * The pieces of a body file in order. The last piece comes only when all of it is as it was written; otherwise it
 * answers with what is wrong.
 */
export async function* readBodyFile(
  file: string,
  size: number,
  expected: number,
): AsyncGenerator<Buffer, string | null> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return 'the body file is missing'
    throw error
  }
  try {
    let checksum = 0
    let offset = 0
    for (;;) {
      const piece = Buffer.allocUnsafeSlow(Math.min(pieceSize, size - offset))
      let filled = 0
      while (filled < piece.length) {
        const { bytesRead } = await handle.read(piece, filled, piece.length - filled, offset + filled)
        if (bytesRead === 0) return 'the body file is too short'
        filled += bytesRead
      }
      offset += filled
      checksum = crc32(piece, checksum)
      if (offset === size) {
        if (checksum !== expected) return 'the body file is not what was stored'
        yield piece
        return null
      }
      yield piece
    }
  } finally {
    await handle.close()
  }
}

/** Removes a body file that no row names; the next open sweeps what this could not. */
export async function removeBodyFile(directory: string, name: string): Promise<void> {
  await unlink(join(directory, name)).catch(() => undefined)
}

/** Names of all body files, with the id of the message that each was written for. */
export function listBodyFiles(directory: string): readonly { readonly name: string; readonly id: string }[] {
  return readdirSync(directory).map((name) => ({ name, id: name.split('-', 1)[0] ?? '' }))
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
