import type { LeaseBook, Taken } from './lease-book.ts'
import type { Amounts } from './lease.ts'

/** What a message needs of one limit, with the words for each part of it. */
type Wanted = {
  readonly key: string
  readonly limits: Amounts
  readonly need: Amounts
  readonly words: readonly string[]
}

/** What was set aside for one message. */
export type Reservation = {
  /** Which limit has nothing left for it, in words; null when all was had. */
  readonly short: string | null
  /** It was counted. */
  spend(): void
  /** It was not. */
  giveBack(): void
}

/** How often, and how long altogether, more is asked for before a message is told that there is none. */
const rounds = 3
const patienceMs = 1000

/** Sets aside what a message needs of all of these, or nothing. Waits only where it is not at hand. */
export async function reserve(book: LeaseBook, wanted: readonly Wanted[]): Promise<Reservation> {
  let taken = takeAll(book, wanted)
  for (let round = 0; round < rounds && !Array.isArray(taken); round++) {
    const { key, limits, need } = taken
    await atMost(patienceMs / rounds, book.more(key, limits, need))
    taken = takeAll(book, wanted)
  }
  if (!Array.isArray(taken)) {
    const at = book.shortOf(taken.key)
    const short = at === null ? `what this relay has of ${taken.words[0]}` : (taken.words[at] ?? taken.key)
    return { short, spend: () => {}, giveBack: () => {} }
  }
  const all: readonly Taken[] = taken
  return {
    short: null,
    spend: () => {
      for (const one of all) book.spend(one)
    },
    giveBack: () => {
      for (const one of all) book.giveBack(one)
    },
  }
}

/** All of it, or the first that is not at hand. */
function takeAll(book: LeaseBook, wanted: readonly Wanted[]): Taken[] | Wanted {
  const taken: Taken[] = []
  for (const one of wanted) {
    const got = book.take(one.key, one.limits, one.need)
    if (got === null) {
      for (const other of taken) book.giveBack(other)
      return one
    }
    taken.push(got)
  }
  return taken
}

async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(() => late.resolve(), milliseconds)
  await Promise.race([work, late.promise])
  clearTimeout(timer)
}
