import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import type { ShapingBook } from './book.ts'
import { type Scope, type ShapingNotice, scopeKey } from './notice.ts'
import type { Given, Step, Terms, Threshold } from './profiles.ts'

/** What became of one message at a site. */
export type Experience = {
  readonly site: string
  readonly terms: Terms
  readonly address: string | null
  readonly customer: string
  readonly source: string
  readonly message: string
  readonly domain: string
  /** When the attempt began, in milliseconds since the epoch. */
  readonly began: number
  readonly delivered: boolean
  /** One for each class that its refusals were of. */
  readonly refusals: readonly { readonly class: ReplyClass; readonly reply: string; readonly forGood: boolean }[]
  /** Messages a minute that went this way of late. */
  readonly perMinute: number
}

type Trouble = { readonly message: string; readonly domain: string; readonly at: number }

/** What is known of one class of replies for one scope at a site. */
type Record = {
  readonly scope: Scope
  /** The last ones, so that none is counted twice. */
  troubles: Trouble[]
  /** Messages that met it, and messages of all outcomes, by tenths of the window. */
  readonly bad: Map<number, number>
  readonly all: Map<number, number>
  readonly slot: number
}

type Past = { readonly times: number; readonly until: number }

/** Records of one site, and suspensions that are remembered; the oldest make room. */
const mostRecords = 2_000
const mostPast = 5_000
const sitesRemembered = 5_000

/** Who was suspended less than this long ago is suspended for longer. */
const memoryOfPast = 86_400_000

/** The slowest that a lane gets which had no rate of its own, in messages a minute. */
const slowestPerMinute = 2

/** Counts what receivers say, and puts actions in force when it is too much. What a single reply says never does. */
export class Learner {
  readonly #book: ShapingBook
  readonly #now: () => number
  readonly #records = new Map<string, Map<string, Record>>()
  readonly #past = new Map<string, Past>()

  constructor(book: ShapingBook, now: () => number) {
    this.#book = book
    this.#now = now
  }

  /** Takes in how an attempt ended. Answers the actions that it brought. */
  learn(seen: Experience): readonly ShapingNotice[] {
    this.#countAll(seen)
    if (seen.delivered) this.#recover(seen)
    const made: ShapingNotice[] = []
    for (const { class: replyClass, reply, forGood } of seen.refusals) {
      const rule = seen.terms.actions[replyClass]
      for (const step of rule.value) {
        const counts = (step.do === 'slow' || step.do === 'suspend') && (forGood || !step.permanent)
        const notice = counts ? this.#take(seen, step, rule, replyClass, reply) : null
        if (notice !== null) made.push(notice)
      }
    }
    return made
  }

  /** What was said in anger before is forgotten where a person has ended its consequences. */
  forget(notice: ShapingNotice): void {
    const key = scopeKey(notice.scope)
    const here = this.#records.get(notice.site)
    for (const [name, record] of here ?? []) if (scopeKey(record.scope) === key) here?.delete(name)
    this.#past.delete(`${notice.site}|${key}`)
  }

  #take(
    seen: Experience,
    step: Extract<Step, Threshold>,
    rule: Given<readonly Step[]>,
    replyClass: ReplyClass,
    reply: string,
  ): ShapingNotice | null {
    const scope = scopeOf(seen, step.do === 'slow' ? 'address' : step.what)
    const known = this.#book.find(step.do === 'slow' ? 'slow' : 'suspend', seen.site, scope)
    // What was under way when it was put in force says nothing about how it works.
    if (known !== null && seen.began <= known.changed) return null
    const record = this.#record(seen, scope, `${step.do} ${replyClass}`, step)
    if (!this.#isTooMuch(record, seen, step)) return null
    const draft = {
      site: seen.site,
      scope,
      because: {
        class: replyClass,
        reply,
        replies: sumAfter(record.bad, -Infinity),
        message: seen.message,
        domain: seen.domain,
      },
      by: `${rule.from.profile}, ${rule.from.file}:${rule.from.line}`,
    }
    record.troubles = []
    record.bad.clear()
    record.all.clear()
    const now = this.#now()
    if (step.do === 'slow') {
      const factor = Math.max(step.least, (known?.factor ?? 1) * step.factor)
      const perMinute = known?.perMinute ?? (Math.max(slowestPerMinute, seen.perMinute) as number | null)
      return this.#book.begin({ ...draft, kind: 'slow', factor, perMinute, until: now + step.for })
    }
    const until = now + this.#lengthOf(step, `${seen.site}|${scopeKey(scope)}`, now)
    return this.#book.begin({ ...draft, kind: 'suspend', factor: 0, perMinute: null, until })
  }

  #isTooMuch(record: Record, seen: Experience, { replies, within, share, domains }: Threshold): boolean {
    const now = this.#now()
    const isNew = record.troubles.every((one) => one.message !== seen.message)
    record.troubles = record.troubles.filter((one) => one.at > now - within && one.message !== seen.message)
    record.troubles.push({ message: seen.message, domain: seen.domain, at: now })
    if (record.troubles.length > replies * 2) record.troubles.shift()
    if (isNew) count(record.bad, record.slot, now)
    if (record.troubles.length < replies) return false
    if (new Set(record.troubles.map((one) => one.domain)).size < domains) return false
    const oldest = Math.floor((now - within) / record.slot)
    return sumAfter(record.bad, oldest) >= share * sumAfter(record.all, oldest)
  }

  #record(seen: Experience, scope: Scope, what: string, { within }: Threshold): Record {
    const here = this.#records.get(seen.site) ?? new Map<string, Record>()
    this.#records.delete(seen.site)
    this.#records.set(seen.site, here)
    dropOldest(this.#records, sitesRemembered)
    const key = `${what} ${scopeKey(scope)}`
    const slot = Math.max(1, Math.floor(within / 10))
    const known = here.get(key)
    const record = known ?? { scope, troubles: [], bad: new Map(), all: new Map(), slot }
    if (known === undefined) count(record.all, slot, this.#now())
    here.delete(key)
    here.set(key, record)
    dropOldest(here, mostRecords)
    return record
  }

  #countAll(seen: Experience): void {
    const here = this.#records.get(seen.site)
    if (here === undefined) return
    const now = this.#now()
    for (const [key, record] of here) {
      if (!isOf(record.scope, seen)) continue
      count(record.all, record.slot, now)
      const last = record.troubles.at(-1)
      if (last !== undefined && last.at < now - record.slot * 10) here.delete(key)
    }
    if (here.size === 0) this.#records.delete(seen.site)
  }

  /** Each part of the time without trouble, in which mail was taken, gives back its part. */
  #recover(seen: Experience): void {
    const notice = this.#book.find('slow', seen.site, { what: 'address', address: seen.address })
    if (notice === null || seen.began < notice.changed) return
    const step = slowStepOf(seen.terms, notice)
    if (step === null || this.#now() - notice.changed < step.for / (step.steps + 1)) return
    this.#book.recover(notice, Math.min(1, notice.factor + (1 - step.factor) / step.steps + 1e-9))
  }

  #lengthOf(step: Extract<Step, { do: 'suspend' }>, key: string, now: number): number {
    const past = this.#past.get(key)
    const times = past !== undefined && past.until > now - memoryOfPast ? past.times : 0
    const length = Math.min(step.most, step.for * 2 ** Math.min(times, 30))
    this.#past.delete(key)
    this.#past.set(key, { times: times + 1, until: now + length })
    dropOldest(this.#past, mostPast)
    return length
  }
}

function slowStepOf(terms: Terms, notice: ShapingNotice): Extract<Step, { do: 'slow' }> | null {
  const steps = terms.actions[notice.because.class].value
  return steps.find((step) => step.do === 'slow') ?? null
}

function scopeOf(seen: Experience, what: Scope['what']): Scope {
  const { address, customer, source } = seen
  switch (what) {
    case 'address':
      return { what, address }
    case 'customer':
      return { what, customer }
    case 'source':
      return { what, customer, source }
    default:
      return what satisfies never
  }
}

function isOf(scope: Scope, seen: Experience): boolean {
  return scopeKey(scope) === scopeKey(scopeOf(seen, scope.what))
}

function count(counts: Map<number, number>, length: number, now: number): void {
  const slot = Math.floor(now / length)
  counts.set(slot, (counts.get(slot) ?? 0) + 1)
  if (counts.size > 20) counts.delete(Math.min(...counts.keys()))
}

function sumAfter(counts: ReadonlyMap<number, number>, oldest: number): number {
  let sum = 0
  for (const [slot, number] of counts) if (slot > oldest) sum += number
  return sum
}

function dropOldest<Value>(map: Map<string, Value>, most: number): void {
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
