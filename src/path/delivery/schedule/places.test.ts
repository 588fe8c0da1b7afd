import { describe, expect, it } from 'vitest'
import { Places, type SiteCondition, everywhere, slowAfter } from './places.ts'
import { Pressure } from './pressure.ts'

const limits = { messages: 200, connections: 100, perSite: 4 }

describe('Places', () => {
  it('widens a site that is quick, and narrows one that keeps us waiting', () => {
    const conditions = new Map<string, SiteCondition>([['a', 'good']])
    let now = 0
    const places = new Places(
      limits,
      (site) => conditions.get(site) ?? 'new',
      () => now,
    )
    const first = Array.from({ length: 4 }, () => places.take('a', 'fresh'))
    expect(places.roomFor('a', 'fresh')).toBe(0)
    first.slice(0, 3).forEach((place) => places.giveBack(place))
    expect(places.roomFor('a', 'fresh')).toBe(6)
    now = slowAfter + 1
    expect(places.findSlow()).toEqual(['a'])
    conditions.set('a', 'poor')
    expect([places.roomFor('a', 'fresh'), places.unproven]).toEqual([0, 1])
    expect(places.findSlow()).toEqual([])
  })

  it('keeps room for what is fresh when the queue has all that it may have', () => {
    const places = new Places(
      { ...limits, perSite: 1_000 },
      () => 'good',
      () => 0,
    )
    places.queueAllowance = 30
    for (let taken = 0; taken < 30; taken++) places.take(`s${taken}`, 'queue')
    expect(places.roomFor(everywhere, 'queue')).toBe(0)
    expect(places.roomFor('s', 'fresh')).toBe(50)
  })

  it('counts a place once, however often it is given back', () => {
    const places = new Places(
      limits,
      () => 'new',
      () => 0,
    )
    const place = places.take('a', 'queue')
    places.giveBack(place)
    places.giveBack(place)
    expect([places.inHand, places.unproven, places.inHandAt('a')]).toEqual([0, 0, 0])
  })
})

describe('Pressure', () => {
  it('gives way when the event loop is late, and comes back slowly', () => {
    const pressure = new Pressure(500)
    expect(pressure.allowance).toBe(128)
    for (let times = 0; times < 20; times++) pressure.feel(300)
    expect(pressure.allowance).toBe(16)
    pressure.feel(0)
    expect(pressure.allowance).toBe(32)
    for (let times = 0; times < 100; times++) pressure.feel(0)
    expect(pressure.allowance).toBe(500)
  })
})
