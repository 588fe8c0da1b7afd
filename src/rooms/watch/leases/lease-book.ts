import {
  type Account,
  type Amounts,
  type Ask,
  type AskAnswer,
  type AskBatch,
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

/** A limit that was asked for: from then on only what is held may be used. */
type Lease = {
  limits: Amounts
  held: Amounts
  /** What the last answer brought: when half of it is used, more is asked for ahead of need. */
  brought: Amounts
  short: number | null
  /** Nobody had more: not asked again before. */
  quietUntil: number
  usedAt: number
  /** Others asked for it: what is given back goes to them. */
  yieldsUntil: number
  /** Of what is open at a time: how many were, when last looked at; null for what is counted by windows. */
  gauge: number | null
}

/** What was taken for one message; given back or spent, once. */
export type Taken = { readonly key: string; readonly amounts: Amounts; over: boolean }

export type LeaseBookOptions = {
  readonly holders: number
  /** What was counted here against a limit, by its own windows. */
  readonly usedOf: (key: string) => Amounts
  /** The limits that a key has by the policy of this moment; null when it has none any more. */
  readonly limitsOf: (key: string) => Amounts | null
  readonly ask: (batch: AskBatch) => Promise<AskAnswer>
  readonly join: (join: Join) => Promise<JoinAnswer>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** After nobody had more, in milliseconds. */
const quietMs = 250
/** What is held and not used for so long is given back; what is not even counted any more is forgotten. */
const idleMs = 10_000
const yieldMs = 2_000

/**
 * What one holder may use of limits that it shares with others. Taking is synchronous; what is not held is asked for, several keys at a
 * time and one question after the other. While the lessor is away, what is held and free may be used, and nothing else.
 */
export class LeaseBook {
  readonly #options: LeaseBookOptions
  readonly #leases = new Map<string, Lease>()
  /** Taken, and neither spent nor given back. */
  readonly #inTheAir = new Map<string, Amounts>()
  readonly #wanted = new Map<string, Amounts>()
  /** Whether questions are being asked; each waits for the one before. */
  #isAsking = false
  #next: PromiseWithResolvers<void> | null = null
  readonly #forgettable = new Set<string>()
  readonly #joined = Promise.withResolvers<void>()
  #hasJoined = false
  #received = 0
  #said: number

  constructor(options: LeaseBookOptions) {
    this.#options = options
    this.#said = options.now() * 1000
  }

  /** What a message needs of one limit, if it is there. */
  take(key: string, limits: Amounts, need: Amounts): Taken | null {
    const lease = this.#leases.get(key)
    if (lease === undefined) {
      if (!this.#hasJoined) return null
      const after = sum(this.#usedOf(key, limits), need)
      const free = freeShare(limits, this.#options.holders)
      if (!fits(after, free)) return null
      this.#putInTheAir(key, need)
      return { key, amounts: need, over: false }
    }
    if (!fits(need, lease.held)) return null
    lease.held = difference(lease.held, need)
    lease.usedAt = this.#options.now()
    this.#putInTheAir(key, need)
    if (
      !fits(
        lease.brought.map((amount) => amount / 2),
        lease.held,
      )
    )
      this.#want(key, limits, need)
    return { key, amounts: need, over: false }
  }

  /** The message was counted. */
  spend(taken: Taken): void {
    if (taken.over) return
    taken.over = true
    this.#takeDown(taken)
  }

  /** The message was not counted, or is no more. */
  giveBack(taken: Taken): void {
    if (taken.over) return
    taken.over = true
    this.#takeDown(taken)
    const lease = this.#leases.get(taken.key)
    if (lease === undefined) return
    this.#putBack(taken.key, lease, taken.amounts)
  }

  /**
   * How many of something may be open at a time, where `usedOf` tells how many are. When that is not enough for one more, more is asked
   * for, to be had at a later call.
   */
  allowance(key: string, limit: number): number {
    const [open = 0] = this.#options.usedOf(key)
    const lease = this.#leases.get(key)
    if (lease !== undefined) this.#followGauge(key, lease)
    const [held = 0] = lease?.held ?? []
    const [free = 0] = lease === undefined && this.#hasJoined ? freeShare([limit], this.#options.holders) : []
    const allowed = Math.min(limit, lease === undefined ? free : open + held)
    if (open >= allowed && open < limit) {
      const asked = this.#leaseOf(key, [limit])
      asked.gauge ??= open
      void this.more(key, [limit], [1])
    }
    return allowed
  }

  /** Asks for more than is held, with the next question; resolves when it was answered, or could not be. */
  more(key: string, limits: Amounts, need: Amounts): Promise<void> {
    if (this.#isQuiet(key)) return Promise.resolve()
    this.#want(key, limits, need)
    return this.#answered()
  }

  /** Which of the limits has no more, by the last answer; null where nothing was said. */
  shortOf(key: string): number | null {
    return this.#leases.get(key)?.short ?? null
  }

  /** The policy has changed for these: what was counted is told, and judged by their limits of now. */
  tell(keys: Iterable<string>): void {
    for (const key of keys) {
      const limits = this.#options.limitsOf(key)
      if (limits === null || (!this.#leases.has(key) && isNothing(this.#usedOf(key, limits)))) continue
      const lease = this.#leaseOf(key, limits)
      lease.limits = limits
      lease.held = nothingLike(limits)
      lease.brought = lease.held
      this.#want(key, limits, lease.held)
    }
  }

  /** Answers the lessor, who wants back what is not used. */
  recall(recalls: readonly Recall[]): RecallAnswer {
    const accounts = recalls.map(({ key, limits, want }) => {
      const lease = this.#leaseOf(key, limits)
      this.#followGauge(key, lease)
      const kept = lease.held.map((held, at) => Math.max(0, Math.min(Math.floor(held / 2), held - (want[at] ?? 0))))
      lease.held = kept
      lease.brought = kept
      lease.yieldsUntil = this.#options.now() + yieldMs
      return this.#accountOf(key, lease)
    })
    return { at: ++this.#said, received: this.#received, accounts }
  }

  /**
   * Makes itself known to the lessor: at the start with what was `counted` before it, and again when the lessor is a new one. Rejects when
   * that does not answer; to be tried again until it does.
   */
  async join(counted: Iterable<string>): Promise<void> {
    const fresh = !this.#hasJoined
    if (fresh) {
      for (const key of counted) {
        const limits = this.#options.limitsOf(key)
        if (limits !== null) this.#leaseOf(key, limits)
      }
    }
    const accounts = [...this.#leases].map(([key, lease]) => this.#accountOf(key, lease))
    const answer = await this.#options.join({ at: ++this.#said, fresh, accounts })
    for (const { key, limits } of answer.asked) this.#leaseOf(key, limits)
    this.#received = answer.number
    this.#hasJoined = true
    this.#joined.resolve()
  }

  /** To be called every few seconds: gives back what lies idle. */
  tidy(): void {
    const now = this.#options.now()
    for (const [key, lease] of this.#leases) {
      this.#followGauge(key, lease)
      if (now - lease.usedAt < idleMs) continue
      if (!isNothing(lease.held)) {
        lease.held = nothingLike(lease.held)
        lease.brought = lease.held
        this.#want(key, lease.limits, lease.held)
      } else if (isNothing(this.#usedOf(key, lease.limits))) this.#forgettable.add(key)
    }
    if (this.#forgettable.size > 0) void this.#answered()
  }

  /** How many limits were asked for. */
  get size(): number {
    return this.#leases.size
  }

  #putBack(key: string, lease: Lease, amounts: Amounts): void {
    const kept = sum(lease.held, amounts)
    const { holders, now } = this.#options
    const total = sum(this.#usedOf(key, lease.limits), kept)
    const fair = fits(
      total.map((amount) => amount * holders),
      lease.limits,
    )
    // Others want it, and have less.
    if (now() >= lease.yieldsUntil || fair) lease.held = kept
  }

  /** What was opened since was of what was held; what was closed is held again. */
  #followGauge(key: string, lease: Lease): void {
    if (lease.gauge === null) return
    const [open = 0] = this.#options.usedOf(key)
    const more = open - lease.gauge
    lease.gauge = open
    if (more !== 0) lease.usedAt = this.#options.now()
    if (more > 0) lease.held = lease.held.map((held) => Math.max(0, held - more))
    if (more < 0) this.#putBack(key, lease, [-more])
  }

  #usedOf(key: string, like: Amounts): Amounts {
    const inTheAir = this.#inTheAir.get(key)
    const counted = this.#options.usedOf(key)
    const used = like.map((_, at) => counted[at] ?? 0)
    return inTheAir === undefined ? used : sum(used, inTheAir)
  }

  #putInTheAir(key: string, amounts: Amounts): void {
    const others = this.#inTheAir.get(key)
    this.#inTheAir.set(key, others === undefined ? amounts : sum(others, amounts))
  }

  #takeDown({ key, amounts }: Taken): void {
    const rest = difference(this.#inTheAir.get(key) ?? amounts, amounts)
    if (isNothing(rest)) this.#inTheAir.delete(key)
    else this.#inTheAir.set(key, rest)
  }

  #leaseOf(key: string, limits: Amounts): Lease {
    const known = this.#leases.get(key)
    if (known !== undefined) return known
    const held = nothingLike(limits)
    const { now } = this.#options
    const lease: Lease = {
      limits,
      held,
      brought: held,
      short: null,
      quietUntil: 0,
      usedAt: now(),
      yieldsUntil: 0,
      gauge: null,
    }
    this.#leases.set(key, lease)
    return lease
  }

  #accountOf(key: string, lease: Lease): Account {
    this.#followGauge(key, lease)
    const { limits, held } = lease
    return { key, limits, used: this.#usedOf(key, limits), held }
  }

  #isQuiet(key: string): boolean {
    return this.#options.now() < (this.#leases.get(key)?.quietUntil ?? 0)
  }

  /** Notes what is to be asked for, and sees to it that it is. */
  #want(key: string, limits: Amounts, need: Amounts): void {
    const before = this.#wanted.get(key)
    this.#wanted.set(
      key,
      before === undefined ? need : sum(before, need).map((one, at) => Math.min(one, limits[at] ?? 0)),
    )
    const lease = this.#leaseOf(key, limits)
    lease.limits = limits
    void this.#answered()
  }

  /** Resolves when what is wanted now was answered, or could not be. */
  #answered(): Promise<void> {
    this.#next ??= Promise.withResolvers()
    const { promise } = this.#next
    if (!this.#isAsking) void this.#askInTurn()
    return promise
  }

  async #askInTurn(): Promise<void> {
    this.#isAsking = true
    await this.#joined.promise
    while (this.#next !== null) {
      const round = this.#next
      this.#next = null
      const keys = [...this.#wanted.keys()]
      const forget = [...this.#forgettable].filter((key) => !this.#wanted.has(key))
      const asks = [...this.#wanted].map(([key, want]): Ask => ({ ...this.#accountOf(key, this.#leaseAt(key)), want }))
      this.#wanted.clear()
      this.#forgettable.clear()
      try {
        if (asks.length + forget.length > 0) this.#takeUp(await this.#options.ask({ at: ++this.#said, asks, forget }))
      } catch {
        for (const key of keys) this.#leaseAt(key).quietUntil = this.#options.now() + quietMs
      }
      round.resolve()
    }
    this.#isAsking = false
  }

  #leaseAt(key: string): Lease {
    return this.#leaseOf(key, this.#leases.get(key)?.limits ?? this.#options.limitsOf(key) ?? [])
  }

  #takeUp({ number, grants, forgotten }: AskAnswer): void {
    this.#received = number
    for (const { key, granted, short } of grants) {
      const lease = this.#leaseAt(key)
      this.#followGauge(key, lease)
      lease.held = sum(lease.held, granted)
      if (!isNothing(granted)) lease.brought = lease.held
      lease.short = short
      lease.quietUntil = short === null ? 0 : this.#options.now() + quietMs
    }
    for (const key of forgotten) if (!this.#wanted.has(key)) this.#leases.delete(key)
  }
}
