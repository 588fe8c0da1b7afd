import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EgressQuestion, chooseEgress } from './choose-egress.ts'
import { type EgressAddress, egressPools } from './pools.ts'
import { WarmUpBook, boundOf } from './warm-up.ts'

const day = 86_400_000
const today = Date.UTC(2026, 10, 24)

const address = (text: string, more: Partial<EgressAddress> = {}): EgressAddress => ({
  address: text,
  ehlo: null,
  weight: 1,
  warmUp: null,
  ...more,
})

const question = (changes: Partial<EgressQuestion> = {}): EgressQuestion => ({
  pool: 'bulk',
  message: 'm1',
  site: 'mx.example',
  family: 4,
  excluded: new Set(),
  now: today + 1000,
  ...changes,
})

const poolOf = (...addresses: EgressAddress[]) => egressPools([{ name: 'bulk', addresses }], [])
const chosenOf = (choice: ReturnType<typeof chooseEgress>) =>
  choice.kind === 'from' ? choice.egress?.address : choice.kind

describe('chooseEgress', () => {
  const three = poolOf(address('192.0.2.1'), address('192.0.2.2', { weight: 3 }), address('192.0.2.3'))

  it('chooses the same for every attempt of a message, and by weight over all of them', () => {
    const counts = new Map<unknown, number>()
    for (let at = 0; at < 5000; at++) {
      const asked = question({ message: `m${at}` })
      const chosen = chosenOf(chooseEgress(three, asked, new WarmUpBook()))
      expect(chosenOf(chooseEgress(three, { ...asked, now: asked.now + day }, new WarmUpBook()))).toBe(chosen)
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
    }
    expect(counts.get('192.0.2.2')).toBeGreaterThan(2800)
    expect(counts.get('192.0.2.2')).toBeLessThan(3200)
    expect(counts.get('192.0.2.1')).toBeGreaterThan(850)
    expect(counts.get('192.0.2.3')).toBeGreaterThan(850)
  })

  it('moves only the messages of an address that is excluded', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'), (message, away) => {
        const before = chosenOf(chooseEgress(three, question({ message }), new WarmUpBook()))
        const excluded = new Set([away])
        const after = chosenOf(chooseEgress(three, question({ message, excluded }), new WarmUpBook()))
        expect(after).not.toBe(away)
        if (before !== away) expect(after).toBe(before)
      }),
      { numRuns: 200 },
    )
  })

  it('never falls to an address outside the pool', () => {
    const all = new Set(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    expect(chooseEgress(three, question({ excluded: all }), new WarmUpBook())).toMatchObject({
      kind: 'wait',
      until: null,
    })
    expect(chooseEgress(three, question({ family: 6 }), new WarmUpBook())).toMatchObject({ kind: 'other-family' })
    expect(chooseEgress(three, question({ pool: 'gone' }), new WarmUpBook())).toMatchObject({ kind: 'wait' })
  })

  it('leaves it to the system where there is no pool at all, and takes the plain list for the default one', () => {
    const system = { kind: 'from', egress: null }
    expect(chooseEgress(three, question({ pool: null }), new WarmUpBook())).toEqual(system)
    const plain = egressPools([], ['192.0.2.9'])
    expect(chosenOf(chooseEgress(plain, question({ pool: null }), new WarmUpBook()))).toBe('192.0.2.9')
  })
})

describe('a warm-up plan', () => {
  const young = address('192.0.2.1', { ehlo: 'young.example', weight: 1000, warmUp: { from: today, plan: [2, 5] } })
  const send = (pools: ReturnType<typeof poolOf>, book: WarmUpBook, message: string, changes = {}) => {
    const asked = question({ message, ...changes })
    const choice = chooseEgress(pools, asked, book)
    const from = pools.get('bulk')?.addresses.find((one) => one.address === chosenOf(choice))
    if (from !== undefined) book.count(from, asked.site, message, asked.now)
    return chosenOf(choice)
  }

  it('bounds what an address sends to a site in a day, and gives the rest to the others', () => {
    const pools = poolOf(young, address('192.0.2.2', { weight: 0.001 }))
    const book = new WarmUpBook()
    const all = ['a', 'b', 'c', 'd'].map((message) => send(pools, book, message))
    expect(all).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2'])
    expect(send(pools, book, 'a')).toBe('192.0.2.1')
    expect(send(pools, book, 'e', { site: 'other.example' })).toBe('192.0.2.1')
    expect(send(pools, book, 'c', { now: today + day })).toBe('192.0.2.1')
  })

  it('makes mail wait for the next day where there is no other', () => {
    const pools = poolOf(young)
    const book = new WarmUpBook()
    expect(['a', 'b'].map((message) => send(pools, book, message))).toEqual(['192.0.2.1', '192.0.2.1'])
    expect(chooseEgress(pools, question({ message: 'c' }), book)).toMatchObject({ kind: 'wait', until: today + day })
  })

  it('survives a restart', () => {
    const pools = poolOf(young)
    const before = new WarmUpBook()
    for (const message of ['a', 'b']) send(pools, before, message)
    const kept = before.drain()
    expect(before.drain()).toEqual([])
    const after = new WarmUpBook()
    after.load([{ key: 'grant/x/y', window: today, messages: 9, recipients: 9 }, ...kept], today + 5000)
    expect(send(pools, after, 'c')).toBe('wait')
    const tomorrow = new WarmUpBook()
    tomorrow.load(kept, today + day)
    expect(send(pools, tomorrow, 'c', { now: today + day })).toBe('192.0.2.1')
  })

  it('begins on its day, and ends with its last', () => {
    expect([-1, 0, day, 2 * day].map((after) => boundOf(young, today + after))).toEqual([0, 2, 5, null])
    expect(chooseEgress(poolOf(young), question({ now: today - 3 * day }), new WarmUpBook())).toMatchObject({
      kind: 'wait',
      until: today,
    })
  })

  it('is shared by processes as their allowance says', () => {
    const book = new WarmUpBook((_key, limit) => limit / 2)
    expect(['a', 'b'].map((message) => send(poolOf(young), book, message))).toEqual(['192.0.2.1', 'wait'])
  })
})
