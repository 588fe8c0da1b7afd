import {
  type Account,
  type Amounts,
  type Ask,
  type AskAnswer,
  type AskBatch,
  type Grant,
  type Join,
  type JoinAnswer,
  type Recall,
  type RecallAnswer,
  difference,
  fits,
  freeShare,
  isNothing,
  nothingLike,
  sum,
} from './lease.ts'

/** What the lessor knows of one holder's part of a limit: never less than what it has used and may still use. */
type Part = {
  used: Amounts
  held: Amounts
  /** Granted, and not known to have been taken up. */
  underWay: { readonly number: number; readonly granted: Amounts }[]
  toldAt: number
  /** The number of what it was told by. */
  at: number
}

type Limit = { limits: Amounts; readonly parts: Map<number, Part> }

/** What a holder said is asked for anew after this many milliseconds, when others want more. */
const staleAfterMs = 200

export type LessorOptions = {
  /** Holders are numbered from 0. */
  readonly holders: number
  /** Asks a holder to give back; rejects when it cannot be asked. */
  readonly recall: (holder: number, recalls: readonly Recall[]) => Promise<RecallAnswer>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Divides limits among holders so that the sum of what they have used and may use is never above a limit: a holder that is gone keeps
 * its part until it is back and has told what it really used. A lessor that has just begun grants nothing until all have told.
 */
export class Lessor {
  readonly #options: LessorOptions
  readonly #limits = new Map<string, Limit>()
  readonly #joined = new Set<number>()
  readonly #allJoined = Promise.withResolvers<void>()
  /** Beyond those of a lessor before this one. */
  #number: number

  constructor(options: LessorOptions) {
    this.#options = options
    this.#number = options.now() * 1000
  }

  /** Resolves once all holders have joined; to be called again by a holder that was not answered. */
  async join(holder: number, { fresh, accounts, at }: Join): Promise<JoinAnswer> {
    const number = ++this.#number
    const told = new Set(accounts.map(({ key }) => key))
    for (const account of accounts) this.#note(holder, account, { at, received: number })
    this.#joined.add(holder)
    if (this.#joined.size === this.#options.holders) this.#allJoined.resolve()
    await this.#allJoined.promise
    // It remembers nothing of the others, and will ask before it uses any.
    if (fresh) this.#startAnew(holder, told, at)
    for (const { key } of accounts) this.#callBackExcess(key, holder)
    const others = fresh ? [...this.#limits].filter(([key]) => !told.has(key)) : []
    return { number, asked: others.map(([key, { limits }]) => ({ key, limits })) }
  }

  /** Notes how a holder stands and grants what can be had, taking it back from others where they do not use it. */
  async ask(holder: number, { asks, forget, at }: AskBatch): Promise<AskAnswer> {
    for (const ask of asks) {
      // A holder asks again only when it has taken up, or given up, the answer before.
      this.#note(holder, ask, { at, received: this.#number })
      const limit = this.#limits.get(ask.key)
      if (limit !== undefined) limit.limits = ask.limits
    }
    await this.#allJoined.promise
    const wanting = asks.filter(({ want }) => !isNothing(want))
    await this.#callBack(
      holder,
      wanting.filter((ask) => !this.#canGive(ask)),
    )
    const number = ++this.#number
    const grants = asks.map((ask) => this.#grant(holder, ask, number))
    for (const ask of asks) if (isNothing(ask.want)) this.#callBackExcess(ask.key, holder)
    return { number, grants, forgotten: forget.filter((key) => this.#forget(holder, key)) }
  }

  /** How many limits it keeps account of. */
  get size(): number {
    return this.#limits.size
  }

  #startAnew(holder: number, told: ReadonlySet<string>, at: number): void {
    for (const [key, { limits }] of this.#limits) {
      if (told.has(key)) continue
      const nothing = nothingLike(limits)
      this.#note(holder, { key, limits, used: nothing, held: nothing }, { at, received: this.#number })
    }
  }

  /** `received`: answers up to this number are in what the holder says. */
  #note(holder: number, account: Account, { at, received }: { readonly at: number; readonly received: number }): void {
    const { key, limits, used, held } = account
    const limit = this.#limits.get(key) ?? { limits, parts: new Map<number, Part>() }
    this.#limits.set(key, limit)
    const before = limit.parts.get(holder)
    if (before !== undefined && before.at > at) return
    const underWay = (before?.underWay ?? []).filter(({ number }) => number > received)
    limit.parts.set(holder, { used, held, underWay, toldAt: this.#options.now(), at })
  }

  #forget(holder: number, key: string): boolean {
    const limit = this.#limits.get(key)
    const part = limit?.parts.get(holder)
    if (limit === undefined || part === undefined) return true
    if (!isNothing(part.used) || !isNothing(part.held) || part.underWay.length > 0) return false
    if (!fits(sum(this.#takenOf(limit), freeShare(limit.limits, this.#options.holders)), limit.limits)) return false
    limit.parts.delete(holder)
    if (limit.parts.size === 0) this.#limits.delete(key)
    return true
  }

  /** What all holders together have used and may use. */
  #takenOf({ limits, parts }: Limit): Amounts {
    const { holders } = this.#options
    const free = freeShare(limits, holders)
    let taken = nothingLike(limits)
    for (let holder = 0; holder < holders; holder++) {
      const part = parts.get(holder)
      taken = sum(taken, part === undefined ? free : partOf(part))
    }
    // Of holders that there were before.
    for (const [holder, part] of parts) if (holder >= holders) taken = sum(taken, partOf(part))
    return taken
  }

  #leftOf(limit: Limit): Amounts {
    return difference(limit.limits, this.#takenOf(limit)).map((left) => Math.max(0, left))
  }

  #canGive({ key, want }: Ask): boolean {
    const limit = this.#limits.get(key)
    return limit !== undefined && fits(want, this.#leftOf(limit))
  }

  #grant(holder: number, { key, want }: Ask, number: number): Grant {
    const limit = this.#limits.get(key)
    const part = limit?.parts.get(holder)
    if (limit === undefined || part === undefined || isNothing(want))
      return { key, granted: nothingLike(want), short: null }
    const left = this.#leftOf(limit)
    const generous = left.map((amount) => Math.floor(amount / (2 * this.#options.holders)))
    const granted = want.map((amount, at) => Math.min(left[at] ?? 0, Math.max(amount, generous[at] ?? 0)))
    part.underWay.push({ number, granted })
    const short = want.findIndex((amount, at) => amount > (granted[at] ?? 0))
    return { key, granted, short: short === -1 ? null : short }
  }

  /** Asks the others for what they do not use, and for what they really used, unless they have just said it. */
  async #callBack(holder: number, asks: readonly Ask[]): Promise<void> {
    if (asks.length === 0) return
    const others = Array.from({ length: this.#options.holders }, (_, other) => other).filter((one) => one !== holder)
    await Promise.all(
      others.map((other) =>
        this.#recall(
          other,
          asks.filter(({ key }) => this.#mayHelp(other, key)),
        ),
      ),
    )
  }

  #mayHelp(other: number, key: string): boolean {
    const part = this.#limits.get(key)?.parts.get(other)
    return (
      part === undefined ||
      !isNothing(part.held) ||
      part.underWay.length > 0 ||
      this.#options.now() - part.toldAt >= staleAfterMs
    )
  }

  async #recall(holder: number, recalls: readonly Recall[]): Promise<void> {
    if (recalls.length === 0) return
    const plain = recalls.map(({ key, limits, want }) => ({ key, limits, want }))
    // One that cannot be asked keeps its part.
    const answer = await this.#options.recall(holder, plain).catch(() => null)
    if (answer === null) return
    for (const account of answer.accounts) this.#note(holder, account, answer)
  }

  /** After a limit was lowered, or two incarnations have met: what is granted beyond the limit is taken back. */
  #callBackExcess(key: string, holder: number): void {
    const limit = this.#limits.get(key)
    if (limit === undefined) return
    const excess = difference(this.#takenOf(limit), limit.limits).map((amount) => Math.max(0, amount))
    if (isNothing(excess)) return
    const account = { key, limits: limit.limits, used: excess, held: excess, want: excess }
    void this.#callBack(holder, [account])
  }
}

function partOf({ used, held, underWay }: Part): Amounts {
  return underWay.reduce((total, { granted }) => sum(total, granted), sum(used, held))
}
