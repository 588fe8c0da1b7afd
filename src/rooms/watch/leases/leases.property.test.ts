import fc from 'fast-check'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { RollingCounters } from '../counters.ts'
import { LeaseBook, type Taken } from './lease-book.ts'
import type { Amounts, AskAnswer, AskBatch, Join, JoinAnswer, Recall, RecallAnswer } from './lease.ts'
import { Lessor } from './lessor.ts'

const key = 'grant/acme/mail'
const start = Date.UTC(2026, 10, 24)

type Letter =
  | { readonly kind: 'ask'; readonly id: number; readonly batch: AskBatch }
  | { readonly kind: 'join'; readonly id: number; readonly join: Join }
  | { readonly kind: 'recalled'; readonly id: number; readonly answer: RecallAnswer }
  | { readonly kind: 'answer'; readonly id: number; readonly value: AskAnswer | JoinAnswer }
  | { readonly kind: 'recall'; readonly id: number; readonly recalls: readonly Recall[] }

type Waiting = Map<number, { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }>

/** One relay: what it counted is on disk, everything else dies with it. */
class Holder {
  readonly counters = new RollingCounters()
  readonly up: Letter[] = []
  readonly down: Letter[] = []
  inTheAir: { readonly taken: Taken; readonly recipients: number }[] = []
  waiting: Waiting = new Map()
  book!: LeaseBook
}

/** Holders and a lessor that hear of each other in order and late, and die. */
class World {
  readonly holders: readonly Holder[]
  readonly all = new RollingCounters()
  readonly limits: Amounts
  now = start
  #ids = 0
  #lessor!: Lessor
  #recalling: Waiting = new Map()

  constructor(count: number, limits: Amounts) {
    this.limits = limits
    this.holders = Array.from({ length: count }, () => new Holder())
    this.#newLessor()
    for (const holder of this.holders) this.#newBook(holder)
  }

  /** A message is offered; whether it was taken. */
  offer(at: number, recipients: number): boolean {
    const holder = this.#holder(at)
    const need = [1, 1, recipients, recipients]
    const taken = holder.book.take(key, this.limits, need)
    if (taken === null) void holder.book.more(key, this.limits, need)
    else holder.inTheAir.push({ taken, recipients })
    return taken !== null
  }

  settle(at: number, counted: boolean): void {
    const holder = this.#holder(at)
    const [one] = holder.inTheAir.splice(0, 1)
    if (one === undefined) return
    if (!counted) return holder.book.giveBack(one.taken)
    holder.counters.charge(key, one.recipients, this.now)
    holder.book.spend(one.taken)
    this.all.charge(key, one.recipients, this.now)
    const sums = used(this.all, this.now)
    for (const [index, limit] of this.limits.entries()) expect(sums[index]).toBeLessThanOrEqual(limit)
  }

  crash(at: number): void {
    const holder = this.#holder(at)
    holder.inTheAir = []
    reject(holder.waiting)
    // What the lessor asked of it is not answered; what it has sent may still come.
    reject(this.#recalling)
    this.#newBook(holder)
  }

  crashLessor(): void {
    reject(this.#recalling)
    for (const holder of this.holders) reject(holder.waiting)
    this.#newLessor()
    for (const holder of this.holders) this.#join(holder)
  }

  async deliver(at: number, upwards: boolean): Promise<boolean> {
    const holder = this.#holder(at)
    const letter = (upwards ? holder.up : holder.down).shift()
    if (letter === undefined) return false
    this.#hand(letter, at, holder)
    await turn()
    return true
  }

  async quiesce(): Promise<void> {
    for (let moved = true; moved;) {
      moved = false
      for (const at of this.holders.keys()) {
        while (await this.deliver(at, true)) moved = true
        while (await this.deliver(at, false)) moved = true
      }
      await turn()
    }
  }

  #hand(letter: Letter, at: number, holder: Holder): void {
    const lessor = this.#lessor
    const reply = (value: AskAnswer | JoinAnswer): void =>
      void (lessor === this.#lessor && holder.down.push({ kind: 'answer', id: letter.id, value }))
    switch (letter.kind) {
      case 'ask':
        return void lessor.ask(at, letter.batch).then(reply)
      case 'join':
        return void lessor.join(at, letter.join).then(reply)
      case 'recall':
        return void holder.up.push({ kind: 'recalled', id: letter.id, answer: holder.book.recall(letter.recalls) })
      case 'recalled':
        this.#recalling.get(letter.id)?.resolve(letter.answer as never)
        return void this.#recalling.delete(letter.id)
      case 'answer':
        holder.waiting.get(letter.id)?.resolve(letter.value as never)
        return void holder.waiting.delete(letter.id)
      default:
        return letter satisfies never
    }
  }

  #newLessor(): void {
    const recalling: Waiting = new Map()
    this.#recalling = recalling
    this.#lessor = new Lessor({
      holders: this.holders.length,
      now: () => this.now,
      recall: (at, recalls) => {
        const id = ++this.#ids
        this.#holder(at).down.push({ kind: 'recall', id, recalls })
        return new Promise((resolve, reject) => recalling.set(id, { resolve, reject }))
      },
    })
  }

  #newBook(holder: Holder): void {
    this.now += 1
    const send = <T>(letter: (id: number) => Letter): Promise<T> => {
      const id = ++this.#ids
      holder.up.push(letter(id))
      return new Promise((resolve, reject) => holder.waiting.set(id, { resolve, reject }))
    }
    holder.waiting = new Map()
    holder.book = new LeaseBook({
      holders: this.holders.length,
      usedOf: () => used(holder.counters, this.now),
      limitsOf: () => this.limits,
      ask: (batch) => send((id) => ({ kind: 'ask', id, batch })),
      join: (join) => send((id) => ({ kind: 'join', id, join })),
      now: () => this.now,
    })
    this.#join(holder)
  }

  #join(holder: Holder): void {
    const counted = used(holder.counters, this.now).some((count) => count > 0) ? [key] : []
    holder.book.join(counted).catch(() => {})
  }

  #holder(at: number): Holder {
    const holder = this.holders[at % this.holders.length]
    if (holder === undefined) throw new Error('there is no holder')
    return holder
  }
}

function reject(waiting: Waiting): void {
  for (const one of waiting.values()) one.reject(new Error('away'))
  waiting.clear()
}

function used(counters: RollingCounters, now: number): Amounts {
  const { messagesLastHour, messagesLastDay, recipientsLastHour, recipientsLastDay } = counters.counts(key, now)
  return [messagesLastHour, messagesLastDay, recipientsLastHour, recipientsLastDay]
}

const at = fc.nat({ max: 3 })
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      at,
      count: fc.integer({ min: 1, max: 20 }),
      recipients: fc.constantFrom(1, 1, 3),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('offer' as const), at, recipients: fc.constantFrom(1, 2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), at, counted: fc.boolean() }) },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      at,
      upwards: fc.boolean(),
      count: fc.constantFrom(1, 1, 4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), at }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash-lessor' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'quiesce' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tidy' as const), at }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(50, 260, 260, 260, 11_000, 400_000) }),
  },
)

async function play(world: World, one: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
  switch (one.do) {
    case 'send':
      for (let count = 0; count < one.count; count++) {
        if (world.offer(one.at, one.recipients)) world.settle(one.at, true)
      }
      return
    case 'offer':
      return void world.offer(one.at, one.recipients)
    case 'settle':
      return world.settle(one.at, one.counted)
    case 'deliver':
      for (let count = 0; count < one.count; count++) await world.deliver(one.at, one.upwards)
      return
    case 'crash':
      return world.crash(one.at)
    case 'crash-lessor':
      return world.crashLessor()
    case 'quiesce':
      return world.quiesce()
    case 'tidy':
      return world.holders[one.at]?.book.tidy()
    case 'wait':
      world.now += one.ms
      return
    default:
      one satisfies never
  }
}

describe('limits shared by lease', () => {
  test('the sum is never above a limit, whatever is late, lost or starts anew', { timeout: 60_000 }, async () => {
    const limits = fc
      .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 10, max: 60 }))
      .chain(([hour, day]) => fc.constant([hour, Math.max(hour, day), hour * 3, Math.max(hour, day) * 3]))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        limits,
        fc.array(step, { minLength: 60, maxLength: 220 }),
        async (count, limit, steps) => {
          const world = new World(count, limit)
          await world.quiesce()
          for (const one of steps) {
            await play(world, one)
            await turn()
          }
          for (const index of world.holders.keys())
            while ((world.holders[index]?.inTheAir.length ?? 0) > 0) world.settle(index, true)
        },
      ),
      { numRuns: 400, seed: 5 },
    )
  })

  test('all of a limit can be had, by one holder or by several at once', async () => {
    for (const busy of [[0], [0, 1], [0, 1, 2]]) {
      const world = new World(3, [100, 1000, 500, 5000])
      await world.quiesce()
      let accepted = 0
      for (let round = 0; round < 300; round++) {
        for (const one of busy) {
          if (world.offer(one, 1)) {
            world.settle(one, true)
            accepted++
          }
          world.now += 100
        }
        await world.quiesce()
      }
      expect(accepted).toBe(100)
    }
  })

  test('a holder that comes back tells what it really used, and the rest can be had again', async () => {
    const world = new World(2, [100, 1000, 500, 5000])
    await world.quiesce()
    let accepted = 0
    for (let count = 0; count < 40; count++) {
      if (world.offer(0, 1)) {
        world.settle(0, true)
        accepted++
      }
      await world.quiesce()
    }
    expect(accepted).toBeGreaterThan(30)
    world.crash(0)
    await world.quiesce()
    for (let round = 0; round < 200; round++) {
      if (world.offer(1, 1)) {
        world.settle(1, true)
        accepted++
      }
      world.now += 100
      await world.quiesce()
    }
    expect(accepted).toBe(100)
  })

  test('without the lessor a holder lives from what it has', async () => {
    const world = new World(2, [100, 1000, 500, 5000])
    await world.quiesce()
    let accepted = 0
    for (let count = 0; count < 200; count++) {
      if (!world.offer(0, 1)) continue
      world.settle(0, true)
      accepted++
    }
    // Its free share, and nothing of the other's.
    expect(accepted).toBe(25)
  })
})
