import type { Log } from '../../../platform/log.ts'
import { classOfReply } from '../../../standards/smtp/reply-class.ts'
import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import type { Destination } from '../routing/route.ts'
import type { Resolution } from '../routing/targets.ts'
import { ShapingBook } from './book.ts'
import { type Budget, wholeBudget } from './budget.ts'
import { type Experience, Learner } from './learner.ts'
import { ProfileTable } from './match.ts'
import type { Scope, ShapingNotice } from './notice.ts'
import { Passage, type ShapedSite, passageKey } from './passage.ts'
import type { Limits, Profiles, Rate } from './profiles.ts'
import { siteOf } from './site.ts'

export type ShapingOptions = {
  readonly profiles: Profiles
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly budget?: Budget
  readonly log?: Log
}

/** What a passage may have now. */
export type Allowance = Omit<Limits, 'rate'> & { readonly rate: Rate | null }

const nextToNothing: Allowance = { connections: 1, messagesPerConnection: 1, rate: null, idle: 1000 }

/** Why a message does not go to a site now, and until when, in milliseconds since the epoch. */
export type Standstill = { readonly until: number; readonly because: string }

type Who = { readonly customer: string; readonly source: string; readonly message: string }

/** Passages that are remembered; past it those are forgotten that are at rest. */
const mostPassages = 20_000

/** What waits for an action to end asks again after this many milliseconds, so that one which ended early is noticed. */
const longestWait = 1_800_000

/** Messages that are remembered to wait for an action. */
const mostWaiting = 10_000

/** When a budget has nothing to give, it is asked again so many milliseconds later. */
const budgetPause = 1_000

/** How mail is shaped: which limits hold for a site, which actions are in force there, and what its replies teach. */
export class Shaping {
  readonly book: ShapingBook
  readonly #now: () => number
  readonly #budget: Budget
  readonly #learner: Learner
  readonly #passages = new Map<string, Passage>()
  readonly #waiting = new Map<string, Set<string>>()
  #table: ProfileTable
  #onFreed: (messages: readonly string[], notice: string) => void = () => {}

  constructor({ profiles, now, budget, log }: ShapingOptions) {
    this.#now = now
    this.#budget = budget ?? wholeBudget
    this.#table = new ProfileTable(profiles)
    this.book = new ShapingBook(now, log)
    this.#learner = new Learner(this.book, now)
    this.book.onNotice((notice) => {
      if (notice.ended !== null) this.#free(notice)
    })
  }

  /** Is told which messages waited for an action that has ended, and its id, which their last replies name. */
  onFreed(listener: (messages: readonly string[], notice: string) => void): void {
    this.#onFreed = listener
  }

  /** Goes on by other profiles; what is in force stays. */
  follow(profiles: Profiles): void {
    this.#table = new ProfileTable(profiles)
    this.#passages.clear()
  }

  siteAt(destination: Destination, resolution: Resolution): ShapedSite {
    const servers = siteOf(destination, resolution)
    const terms = this.#table.termsFor(hostsOf(destination, resolution), domainOf(destination))
    return { servers, key: terms.oneSite ?? servers, terms }
  }

  passage(site: ShapedSite, address: string | null): Passage {
    const key = passageKey(site, address)
    const known = this.#passages.get(key)
    if (known !== undefined) return known
    if (this.#passages.size >= mostPassages) this.#tidy()
    const passage = new Passage(key, site, address)
    this.#passages.set(key, passage)
    return passage
  }

  /** What the passage of that key may have; one that is not known has next to nothing. */
  limitOf(key: string): Allowance {
    const passage = this.#passages.get(key)
    return passage === undefined ? nextToNothing : this.allowanceOf(passage)
  }

  /** The profile's limits, less what is slowed, and of that our part. */
  allowanceOf(passage: Passage): Allowance {
    const { limits } = passage.site.terms
    const slow = this.book.find('slow', passage.site.key, { what: 'address', address: passage.address })
    const connections = Math.max(1, Math.floor(limits.connections.value * (slow?.factor ?? 1)))
    return {
      connections: Math.floor(this.#budget.allowance(passage.key, connections)),
      messagesPerConnection: limits.messagesPerConnection.value,
      idle: limits.idle.value,
      rate: slowed(limits.rate.value, slow),
    }
  }

  /** Why nothing of this customer's source goes to the site now, or null. */
  standstillOf(site: ShapedSite, who: Who): Standstill | null {
    const { customer, source, message } = who
    const scopes: readonly Scope[] = [
      { what: 'customer', customer },
      { what: 'source', customer, source },
    ]
    for (const scope of scopes) {
      const notice = this.book.find('suspend', site.key, scope)
      if (notice !== null) return this.#waitFor(notice, message)
    }
    return null
  }

  /** Our addresses from which nothing goes to the site now; null stands for the system's choice. */
  suspendedAt(site: ShapedSite): ReadonlyMap<string | null, ShapingNotice> {
    return this.book.suspendedAddresses(site.key)
  }

  /** What a message has to wait for whose addresses are all suspended. */
  standstillBy(notices: Iterable<ShapingNotice>, message: string): Standstill | null {
    const first = [...notices].toSorted((a, b) => a.until - b.until)[0]
    return first === undefined ? null : this.#waitFor(first, message)
  }

  /**
   * Takes a place in the passage's rate for one message. Answers null when it may go, else the milliseconds to wait and when to come
   * back instead. `fresh` says that it has not waited yet.
   */
  pace(passage: Passage, fresh: boolean): { readonly wait: number; readonly comeBack: () => number } | null {
    const now = this.#now()
    const { rate } = this.allowanceOf(passage)
    if (rate === null) {
      passage.count(now)
      return null
    }
    const part = this.#budget.allowance(`${passage.key}|rate`, rate.messages)
    if (part <= 0) return { wait: budgetPause, comeBack: () => now + budgetPause }
    // A part of less than one message is one message in a longer time.
    const ours = part >= 1 ? { messages: Math.floor(part), per: rate.per } : { messages: 1, per: rate.per / part }
    const mustQueue = fresh && passage.pace.hasPromised(now)
    const wait = mustQueue ? ours.per / ours.messages : passage.pace.take(ours, now)
    if (wait > 0) return { wait: mustQueue ? Infinity : wait, comeBack: () => passage.pace.promise(ours, now) }
    passage.count(now)
    return null
  }

  classOf(site: ShapedSite, refusal: { code: number | null; enhanced: string | null; text: string }): ReplyClass {
    const text = refusal.text.toLowerCase()
    const said = site.terms.replies.find(({ says }) => text.includes(says))
    return said?.class ?? classOfReply(refusal)
  }

  /** Takes in how an attempt ended; answers the actions that it brought. */
  learn(
    passage: Passage,
    seen: Omit<Experience, 'site' | 'terms' | 'address' | 'perMinute'>,
  ): readonly ShapingNotice[] {
    const { site, address } = passage
    const perMinute = passage.perMinute(this.#now())
    return this.#learner.learn({ ...seen, site: site.key, terms: site.terms, address, perMinute })
  }

  /** Ends an action by hand, and what waited for it goes. False when there is none of that id. */
  clear(id: string, by: string): boolean {
    return this.book.clear(id, by)
  }

  /** Takes over what another process made, or ended. */
  apply(notice: ShapingNotice): void {
    this.book.apply(notice)
    if (notice.ended !== null) this.#free(notice)
  }

  #waitFor(notice: ShapingNotice, message: string): Standstill {
    const waiting = this.#waiting.get(notice.id) ?? new Set()
    if (waiting.size < mostWaiting) waiting.add(message)
    this.#waiting.set(notice.id, waiting)
    return { until: Math.min(notice.until, this.#now() + longestWait), because: wordsOf(notice) }
  }

  #free(notice: ShapingNotice): void {
    if (notice.ended?.how === 'cleared') this.#learner.forget(notice)
    const waiting = this.#waiting.get(notice.id)
    this.#waiting.delete(notice.id)
    if (waiting !== undefined) this.#onFreed([...waiting], notice.id)
  }

  #tidy(): void {
    const now = this.#now()
    for (const [key, passage] of this.#passages) if (passage.isIdle(now)) this.#passages.delete(key)
    const inForce = new Set(this.book.list().map((one) => one.id))
    for (const id of this.#waiting.keys()) if (!inForce.has(id)) this.#waiting.delete(id)
  }
}

/** A profile's rate, or what went before, less what is slowed. */
function slowed(rate: Rate | null, slow: ShapingNotice | null): Rate | null {
  if (slow === null) return rate
  if (rate !== null) return { messages: 1, per: rate.per / (rate.messages * slow.factor) }
  return { messages: 1, per: 60_000 / ((slow.perMinute ?? 1) * slow.factor) }
}

/** What a person reads who asks why a message waits. */
function wordsOf({ id, scope, site, because }: ShapingNotice): string {
  const whom = scope.what === 'address' ? (scope.address ?? 'our address') : `${scope.what} ${scopeName(scope)}`
  return `${whom} is suspended at ${site} (${id}), which said: ${because.reply}`.slice(0, 400)
}

function scopeName(scope: Exclude<Scope, { what: 'address' }>): string {
  return scope.what === 'customer' ? scope.customer : scope.source
}

function hostsOf(destination: Destination, resolution: Resolution): readonly string[] {
  if (destination.kind === 'host') return [destination.host]
  if (resolution.kind !== 'targets') return []
  return resolution.exchanges.length > 0 ? resolution.exchanges : [destination.domain]
}

function domainOf(destination: Destination) {
  return destination.kind === 'mx' ? destination.domain : null
}
