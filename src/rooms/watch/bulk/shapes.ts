import { createHash } from 'node:crypto'
import type { Mailing } from './mailing.ts'

const dayMs = 86_400_000
/** More shapes than this are not counted in a day; the oldest are forgotten. */
const mostShapes = 50_000

/** How many recipients in a day make messages of one shape a mailing, whatever they are marked as. */
export const mailingFrom = 500

/** How far each shape has reached on this day of UTC, in memory: a restart begins to count anew. */
export class ShapeCounts {
  readonly #counts = new Map<string, number>()
  #day = 0

  /** Counts a message; answers whether so many of its shape make it a mailing. */
  isMailing({ at, customer, source, shape, recipients }: Mailing): boolean {
    const day = Math.floor(at / dayMs)
    if (day > this.#day) {
      this.#day = day
      this.#counts.clear()
    }
    const key = createHash('sha256').update(`${customer}\0${source}\0${shape}`).digest('base64').slice(0, 16)
    const count = (this.#counts.get(key) ?? 0) + recipients
    this.#counts.delete(key)
    this.#counts.set(key, count)
    const [oldest] = this.#counts.keys()
    if (this.#counts.size > mostShapes && oldest !== undefined) this.#counts.delete(oldest)
    return count >= mailingFrom
  }
}
