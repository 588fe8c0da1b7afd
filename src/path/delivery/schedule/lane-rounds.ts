import type { Custody, DueMessage, Lane, LaneRest } from '../../custody/custody.ts'
import type { DecisionId } from '../../decision/decision.ts'
import { type Places, everywhere } from './places.ts'
import { Turns } from './turns.ts'

/** Lanes asked for at a time, and how many such pages one round looks at that find nothing. */
const page = 64
const pagesInRound = 8

/** Messages of one lane that are taken in one visit, so that lanes take turns. */
const perVisit = 32

/** Lanes whose last message went well are looked at again before the round goes on: their connection rests and waits. */
const maxWarm = 256

/** A lane of a site that is down is looked at about this often: somebody else may have found it up. Milliseconds. */
const restAtMost = 60_000

/** What the rounds need to know of a destination. */
export type SiteView = {
  /** The key of the site, as the places know it. */
  readonly site: string
  /** For how many milliseconds from now on it is to be left alone; 0: it may be tried. */
  readonly restMs: number
}

export type LaneRoundsOptions = {
  readonly custody: Pick<Custody, 'readyLanes' | 'dueIn' | 'rest'>
  readonly places: Places
  readonly now: () => number
  readonly random: () => number
  readonly leased: () => ReadonlySet<DecisionId>
  readonly look: (lane: Lane) => SiteView
  /** Takes a message into our hands; false when somebody else has it. */
  readonly begin: (id: DecisionId, site: string, lane: Lane) => boolean
  /** Overdue by more than so many milliseconds, a message is taken though its site is down: its sender must hear of the delay, and of its end. */
  readonly patience: number
}

/** Looked ahead for in each lane that is visited, so that nobody asks again before; milliseconds. */
const lookAhead = 30_000

/** `more`: something may be due that is in nobody's hands. `next`: when something else comes due in the lanes that were visited, or Infinity. */
export type RoundResult = { readonly taken: number; readonly more: boolean; readonly next: number }

/**
 * Goes round the lanes that are ready and takes from each what there are places for. Sites that are down or have their share are passed by
 * without a look at their messages; where the round left off, the next one goes on.
 */
export class LaneRounds {
  readonly #options: LaneRoundsOptions
  #place: Lane | null = null
  /** Whether anything was left behind since the lanes were gone through from the beginning. */
  #left = false
  #warm = new Map<string, Lane>()
  #rests: LaneRest[] = []
  /** The earliest moment that was seen ahead since the lanes were gone through from the beginning. */
  #next = Infinity
  readonly #turns = new Turns()

  constructor(options: LaneRoundsOptions) {
    this.#options = options
  }

  /** A message of that lane went well: the next of it may go the same way at once. */
  warm(lane: Lane): void {
    if (this.#warm.size < maxWarm) this.#warm.set(nameOf(lane), lane)
  }

  /** Something may have come in front of where the round stands. */
  startOver(): void {
    this.#left = true
  }

  async round(): Promise<RoundResult> {
    const { custody, places, now } = this.#options
    let taken = await this.#visitWarm()
    for (let pages = 0; pages < pagesInRound && places.roomFor(everywhere, 'queue') > 0; pages++) {
      const lanes = await custody.readyLanes(now(), this.#place, page)
      taken += await this.#visit(lanes)
      this.#place = lanes.at(-1) ?? this.#place
      if (lanes.length === page) continue
      const [left, next] = [this.#left, this.#next]
      this.#place = null
      this.#left = false
      this.#next = Infinity
      this.#turns.endTour()
      await this.#putToRest()
      return { taken, more: left, next }
    }
    await this.#putToRest()
    return { taken, more: true, next: Infinity }
  }

  #visitWarm(): Promise<number> {
    const lanes = [...this.#warm.values()]
    this.#warm = new Map()
    return this.#visit(lanes)
  }

  async #visit(lanes: readonly Lane[]): Promise<number> {
    let taken = 0
    // All are asked for in one go; what is asked for one, the next no longer has.
    const asked = new Map<string, number>()
    for (const visit of await Promise.all(lanes.map((lane) => this.#ask(lane, asked)))) taken += this.#take(visit)
    return taken
  }

  async #ask(lane: Lane, asked: Map<string, number>): Promise<Visit> {
    const { custody, places, now, leased, look, patience } = this.#options
    const { site, restMs } = look(lane)
    if (restMs > 0) {
      const found = await custody.dueIn(lane, now() - patience, perVisit, leased())
      return { lane, site: everywhere, found, wanted: perVisit, restMs }
    }
    const room = places.roomFor(site, 'queue') - (asked.get(site) ?? 0)
    const wanted = this.#turns.mustYield(site, nameOf(lane)) ? 0 : Math.max(0, Math.min(perVisit, room))
    asked.set(site, (asked.get(site) ?? 0) + wanted)
    const moment = now()
    const ahead = wanted === 0 ? [] : await custody.dueIn(lane, moment + lookAhead, wanted, leased())
    const found = ahead.filter(({ dueAt }) => dueAt <= moment)
    this.#next = Math.min(this.#next, ahead.at(found.length)?.dueAt ?? Infinity)
    return { lane, site, found, wanted, restMs }
  }

  #take({ lane, site, found, wanted, restMs }: Visit): number {
    const { places, begin, now, random } = this.#options
    let taken = 0
    for (const { id } of found) {
      if (places.roomFor(site, 'queue') === 0) break
      if (begin(id, site, lane)) taken++
    }
    if (restMs === 0) {
      const isPassedBy = wanted === 0 || (found.length > 0 && taken === 0)
      this.#turns[isPassedBy ? 'passedBy' : 'served'](site, nameOf(lane))
    }
    if (found.length >= wanted || taken < found.length) this.#left = true
    else if (restMs > 0) this.#rests.push(restOf(lane, now() + Math.min(restMs, restAtMost) * (0.8 + 0.4 * random())))
    else if (found.length === 0) this.#rests.push(restOf(lane, 0))
    return taken
  }

  async #putToRest(): Promise<void> {
    const rests = this.#rests
    this.#rests = []
    await this.#options.custody.rest(rests)
  }
}

type Visit = SiteView & { readonly lane: Lane; readonly found: readonly DueMessage[]; readonly wanted: number }

function restOf({ destination, customer }: Lane, until: number): LaneRest {
  return { destination, customer, until: Math.round(until) }
}

function nameOf({ destination, customer }: Lane): string {
  return `${destination}\n${customer}`
}
