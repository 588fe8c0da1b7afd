import { constants } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { IpAddress } from '../../standards/names/ip.ts'

/** What is known of a piece besides its octets. Plain JSON: it is the first line of its file. */
export type Enclosed = {
  /** Made like a decision id: sortable by time, and what the client was told. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly listener: string
  readonly client: IpAddress
  readonly greeting: string
  /** Null is the null reverse-path. */
  readonly mailFrom: string | null
  readonly recipients: readonly string[]
} & (
  | { readonly kind: 'mail' }
  /** Nothing came with it: only that it was refused, and what the client heard. */
  | { readonly kind: 'refused'; readonly rule: string; readonly reply: string }
)

/** What whoever holds the socket can do: put in, and never take out or read. */
export interface Letterbox {
  /** On the disk when it resolves to `taken`. `full`: too much waits, or the disk has too little room. */
  drop(about: Enclosed, octets: readonly Buffer[]): Promise<'taken' | 'full'>
}

/** What control can do. */
export interface LetterboxKeeper {
  /** Names of pieces that wait, oldest first. */
  waiting(limit: number): Promise<readonly string[]>
  /** Null when the file is not one that `drop` wrote. */
  read(name: string): Promise<{ readonly about: Enclosed; readonly message: Buffer } | null>
  remove(name: string): Promise<void>
  /** Removes what processes that died left half-written before `moment`. */
  sweep(moment: number): Promise<void>
}

/** More than this does not wait for control: it is away, or somebody floods us. */
const mostWaiting = 10_000
const mostWaitingOctets = 512 * 1024 * 1024
/** Room on the disk that reports never take: the queue lies on it, too. */
const reserve = 256 * 1024 * 1024
/** How long a look at the directory is believed, in milliseconds. */
const lookMs = 1000

/** The side of it that puts in. Each piece is a file of its own, so that the processes that share it never wait for each other. */
export function openLetterbox(dataDir: string, now: () => number): Letterbox {
  const directory = directoryIn(dataDir)
  const made = mkdir(directory, { recursive: true, mode: 0o700 })
  // Awaited with the first piece; until then nobody would hear of it.
  made.catch(() => {})
  let looked = -Infinity
  let isFull = false
  let since = 0
  const full = async (octets: number): Promise<boolean> => {
    if (now() - looked >= lookMs || now() < looked) {
      looked = now()
      since = 0
      const [waiting, disk] = await Promise.all([octetsIn(directory), statfs(directory)])
      isFull = waiting >= mostWaitingOctets || disk.bavail * disk.bsize < reserve
    }
    since += octets
    return isFull || since >= mostWaitingOctets
  }
  return {
    drop: async (about, octets) => {
      await made
      const size = octets.reduce((sum, piece) => sum + piece.length, 0)
      if (await full(size)) return 'full'
      await writeDurably(directory, about, octets)
      return 'taken'
    },
  }
}

/** How much waits; Infinity when it is too many files. Nothing waits for long while control is there, so this is cheap. */
async function octetsIn(directory: string): Promise<number> {
  const names = await readdir(directory)
  if (names.length >= mostWaiting) return Infinity
  const some = names.slice(0, 200)
  const sizes = await Promise.all(
    some.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return (sizes.reduce((sum, size) => sum + size, 0) * names.length) / Math.max(1, some.length)
}

async function writeDurably(directory: string, about: Enclosed, octets: readonly Buffer[]): Promise<void> {
  const partial = join(directory, `${about.id}.part`)
  const file = await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writev([Buffer.from(`${JSON.stringify(about)}\n`), ...octets])
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, join(directory, `${about.id}.mail`))
  const parent = await open(directory, constants.O_RDONLY)
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

/** The side of it that takes out. */
export function openLetterboxKeeper(dataDir: string): LetterboxKeeper {
  const directory = directoryIn(dataDir)
  return {
    waiting: async (limit) => {
      const names = await readdir(directory).catch(() => [])
      return names
        .filter((name) => name.endsWith('.mail'))
        .toSorted()
        .slice(0, limit)
    },
    read: async (name) => pieceOf(await readFile(join(directory, name))),
    remove: (name) => rm(join(directory, name), { force: true }),
    sweep: async (moment) => {
      const names = await readdir(directory).catch(() => [])
      for (const name of names.filter((one) => one.endsWith('.part'))) {
        const { mtimeMs } = await stat(join(directory, name))
        if (mtimeMs < moment) await rm(join(directory, name), { force: true })
      }
    },
  }
}

function pieceOf(octets: Buffer): { readonly about: Enclosed; readonly message: Buffer } | null {
  const end = octets.indexOf(10)
  try {
    const about = JSON.parse(octets.toString('utf8', 0, Math.max(0, end))) as Enclosed
    return typeof about.id === 'string' ? { about, message: octets.subarray(end + 1) } : null
  } catch {
    return null
  }
}

function directoryIn(dataDir: string): string {
  return join(dataDir, 'feedback', 'letterbox')
}
