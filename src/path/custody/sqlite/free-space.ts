import { statfs } from 'node:fs/promises'

const everyMs = 1000

/** Knows, at most a second late, whether a disk has more free space than a reserve. */
export class FreeSpace {
  readonly #directory: string
  readonly #reserveBytes: number
  readonly #timer: NodeJS.Timeout
  #room = true
  #roomToRecord = true
  #pending: Promise<void> | null = null

  constructor(directory: string, reserveBytes: number) {
    this.#directory = directory
    this.#reserveBytes = reserveBytes
    this.#timer = setInterval(() => void this.look(), everyMs).unref()
  }

  hasRoom(): boolean {
    return this.#room
  }

  /** Whether so much is left that what happens to nobody's mail may be written down: half of the reserve is for settling alone. */
  hasRoomToRecord(): boolean {
    return this.#roomToRecord
  }

  /** The disk itself just said that it is full; the next look may say otherwise. */
  foundFull(): void {
    this.#room = false
    this.#roomToRecord = false
  }

  /** Asks the file system now. One that cannot tell is taken to have room: a write will say. */
  look(): Promise<void> {
    this.#pending ??= this.#ask().finally(() => (this.#pending = null))
    return this.#pending
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #ask(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#directory)
      this.#room = bavail * bsize > this.#reserveBytes
      this.#roomToRecord = bavail * bsize > this.#reserveBytes / 2
    } catch {
      this.#room = true
      this.#roomToRecord = true
    }
  }
}
