import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DueMessage, Lane, LaneRest } from '../../custody/custody.ts'
import type { DecisionId } from '../../decision/decision.ts'
import { LaneRounds } from './lane-rounds.ts'
import { type Place, Places, type SiteCondition } from './places.ts'

/** A queue, its sites and a clock, all in memory: what custody answers, counted. */
class Yard {
  now = 1_000_000
  readonly lanes = new Map<string, { lane: Lane; due: Map<DecisionId, number> }>()
  readonly conditions = new Map<string, SiteCondition>()
  readonly downUntil = new Map<string, number>()
  readonly inHand = new Map<DecisionId, Place>()
  readonly taken: DecisionId[] = []
  readonly asked = { lanes: 0, messages: 0 }
  readonly places: Places
  readonly rounds: LaneRounds
  #next = 0

  constructor(limits = { messages: 40, connections: 20, perSite: 4 }) {
    this.places = new Places(
      limits,
      (site) => this.conditions.get(site) ?? 'new',
      () => this.now,
    )
    this.rounds = new LaneRounds({
      custody: {
        readyLanes: (now, after, limit) => Promise.resolve(this.#ready(now, after, limit)),
        dueIn: (lane, until, limit, leased) => Promise.resolve(this.#dueIn(lane, until, limit, leased)),
        rest: (lanes) => Promise.resolve(this.#rest(lanes)),
      },
      places: this.places,
      now: () => this.now,
      random: () => 0.5,
      leased: () => new Set(this.inHand.keys()),
      look: ({ destination }) => ({
        site: destination,
        restMs: Math.max(0, (this.downUntil.get(destination) ?? 0) - this.now),
      }),
      begin: (id, site) => {
        if (this.inHand.has(id)) throw new Error('a message is in two hands')
        this.inHand.set(id, this.places.take(site, 'queue'))
        this.taken.push(id)
        return true
      },
      patience: 14_400_000,
    })
  }

  put(destination: string, customer: string, count: number, dueAt = this.now): void {
    const name = `${destination} ${customer}`
    const known = this.lanes.get(name) ?? {
      lane: { key: ++this.#next, destination, customer, readyAt: dueAt, parkedUntil: 0 },
      due: new Map<DecisionId, number>(),
    }
    for (let at = 0; at < count; at++) known.due.set(`${name} ${++this.#next}` as DecisionId, dueAt)
    const readyAt = Math.min(known.lane.readyAt, Math.max(known.lane.parkedUntil, dueAt))
    this.lanes.set(name, { ...known, lane: { ...known.lane, readyAt } })
  }

  /** It was delivered, or is due again at that moment. */
  finish(id: DecisionId, againAt: number | null = null): void {
    const place = this.inHand.get(id)
    if (place === undefined) throw new Error('nobody has it')
    this.inHand.delete(id)
    this.places.giveBack(place)
    for (const { due } of this.lanes.values()) {
      if (!due.has(id)) continue
      if (againAt === null) due.delete(id)
      else due.set(id, againAt)
    }
  }

  get left(): number {
    return [...this.lanes.values()].reduce((sum, { due }) => sum + due.size, 0)
  }

  #ready(now: number, after: Lane | null, limit: number): Lane[] {
    this.asked.lanes += 1
    return [...this.lanes.values()]
      .map(({ lane }) => lane)
      .filter(
        ({ readyAt, key }) =>
          readyAt <= now &&
          (after === null || readyAt > after.readyAt || (readyAt === after.readyAt && key > after.key)),
      )
      .toSorted((a, b) => a.readyAt - b.readyAt || a.key - b.key)
      .slice(0, limit)
  }

  #dueIn(lane: Lane, until: number, limit: number, leased: ReadonlySet<DecisionId>): DueMessage[] {
    const found = [...(this.lanes.get(`${lane.destination} ${lane.customer}`)?.due ?? [])]
      .filter(([id, dueAt]) => dueAt <= until && !leased.has(id))
      .toSorted(([, a], [, b]) => a - b)
      .slice(0, limit)
      .map(([id, dueAt]) => ({ id, dueAt }))
    this.asked.messages += found.length
    return found
  }

  #rest(rests: readonly LaneRest[]): void {
    for (const { destination, customer, until } of rests) {
      const name = `${destination} ${customer}`
      const known = this.lanes.get(name)
      if (known === undefined) continue
      const first = Math.min(...known.due.values())
      if (first === Infinity) this.lanes.delete(name)
      else
        this.lanes.set(name, { ...known, lane: { ...known.lane, readyAt: Math.max(first, until), parkedUntil: until } })
    }
  }
}

const sites = ['one', 'two', 'three', 'four', 'five']

describe('rounds over the lanes', () => {
  it('take everything in the end, nothing twice at a time, whatever sites do meanwhile', async () => {
    const load = fc.array(
      fc.tuple(fc.constantFrom(...sites), fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 30 })),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    // What becomes of each message that is taken, in turn: it arrives, is to come again, or finds its site down.
    const fates = fc.array(fc.constantFrom('arrives', 'again', 'down'), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(load, fates, async (all, moods) => {
        const yard = new Yard()
        for (const [site, customer, count] of all) yard.put(site, customer, count)
        let mood = 0
        for (let turns = 0; yard.left > 0; turns++) {
          expect(turns).toBeLessThan(3_000)
          await yard.rounds.round()
          expect(yard.places.inHand).toBeLessThanOrEqual(40)
          for (const id of Array.from(yard.inHand.keys())) {
            const site = yard.inHand.get(id)?.site ?? ''
            const fate = moods[mood++] ?? 'arrives'
            if (fate === 'down') {
              yard.conditions.set(site, 'poor')
              yard.downUntil.set(site, yard.now + 30_000)
            } else if (site !== '') yard.conditions.set(site, 'good')
            yard.finish(id, fate === 'arrives' ? null : yard.now + 60_000)
          }
          yard.now += 5_000
        }
      }),
      { numRuns: 60 },
    )
  })

  it('pass by a site that is down without a look at its messages, and come back when it is up', async () => {
    const yard = new Yard()
    yard.put('dead', 'a', 5_000)
    yard.downUntil.set('dead', yard.now + 20_000)
    for (let rounds = 0; rounds < 50; rounds++) await yard.rounds.round()
    expect([yard.asked.messages, yard.taken.length]).toEqual([0, 0])
    yard.now += 70_000
    await yard.rounds.round()
    expect(yard.taken).toHaveLength(1)
  })

  it('say when the next of a lane comes due, though all that were due are in hand', async () => {
    const yard = new Yard()
    yard.conditions.set('slow', 'good')
    yard.put('slow', 'a', 1)
    yard.put('slow', 'a', 1, yard.now + 4_000)
    yard.now += 10
    const first = await yard.rounds.round()
    expect([yard.taken.length, first.more, first.next]).toEqual([1, false, yard.now - 10 + 4_000])
  })

  it('leave a site that is not known to be good one message at a time, and never take all places for such', async () => {
    const yard = new Yard({ messages: 100, connections: 50, perSite: 4 })
    for (let site = 0; site < 200; site++) yard.put(`dead${site}`, 'a', 10)
    yard.put('alive', 'a', 10)
    yard.conditions.set('alive', 'good')
    for (let rounds = 0; rounds < 30; rounds++) await yard.rounds.round()
    const held = [...yard.inHand.values()].map((place) => place.site)
    expect(held.filter((site) => site === 'alive')).toHaveLength(4)
    const dead = held.filter((site) => site !== 'alive')
    expect(new Set(dead).size).toBe(dead.length)
    expect(dead.length).toBeLessThanOrEqual(15)
    expect(yard.places.roomFor('fresh', 'fresh')).toBeGreaterThan(0)
  })

  it('do not let one customer with very much mail to a slow site delay another elsewhere, nor at the same site', async () => {
    const yard = new Yard()
    for (const site of ['slow', 'quick']) yard.conditions.set(site, 'good')
    yard.put('slow', 'big', 50_000)
    yard.put('quick', 'small', 1)
    yard.put('slow', 'small', 1, yard.now + 1)
    yard.now += 10
    await yard.rounds.round()
    expect(yard.taken.some((id) => id.startsWith('quick small'))).toBe(true)
    for (let turn = 0; turn < 5; turn++) {
      for (const id of Array.from(yard.inHand.keys())) yard.finish(id)
      await yard.rounds.round()
    }
    expect(yard.taken.some((id) => id.startsWith('slow small'))).toBe(true)
  })

  it('take from a site that is down what has waited too long, so that its sender hears of it', async () => {
    const yard = new Yard()
    yard.put('dead', 'a', 3, yard.now - 20_000_000)
    yard.put('dead', 'a', 3)
    yard.downUntil.set('dead', yard.now + 900_000)
    await yard.rounds.round()
    expect(yard.taken).toHaveLength(3)
  })
})
