import { describe, expect, it } from 'vitest'
import { defaultDelivery } from '../settings.ts'
import { DestinationHealth } from './health.ts'
import { Evicted, type Leave, Limiter } from './limiter.ts'

/** Enters without waiting for it; answers what it got so far. */
function knock(limiter: Limiter, key: string) {
  const door: { leave: Leave | null; error: unknown } = { leave: null, error: null }
  limiter.enter(key).then(
    (leave) => (door.leave = leave),
    (error: unknown) => (door.error = error),
  )
  return door
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('Limiter', () => {
  it('lets in up to its bound for one key, in the order of coming, and others beside them', async () => {
    const limiter = new Limiter(() => ({ connections: 2 }), 10)
    const doors = [1, 2, 3, 4].map(() => knock(limiter, 'a'))
    const other = knock(limiter, 'b')
    await settled()
    expect(doors.map((door) => door.leave !== null)).toEqual([true, true, false, false])
    expect(other.leave).not.toBeNull()
    doors[0]?.leave?.()
    await settled()
    expect(doors.map((door) => door.leave !== null)).toEqual([true, true, true, false])
  })

  it('counts each place once, however often it is given back', async () => {
    const limiter = new Limiter(() => ({ connections: 1 }), 10)
    const [first, second, third] = [knock(limiter, 'a'), knock(limiter, 'a'), knock(limiter, 'a')]
    await settled()
    first.leave?.()
    first.leave?.()
    await settled()
    expect([second.leave !== null, third.leave !== null]).toEqual([true, false])
  })

  it('shares the places of all in turns', async () => {
    const limiter = new Limiter(() => ({ connections: 5 }), 2)
    const held = [knock(limiter, 'a'), knock(limiter, 'a')]
    const busy = [knock(limiter, 'a'), knock(limiter, 'a')]
    const late = knock(limiter, 'b')
    await settled()
    held[0]?.leave?.()
    held[1]?.leave?.()
    await settled()
    expect([...busy, late].filter((door) => door.leave !== null)).toHaveLength(2)
    busy.find((door) => door.leave !== null)?.leave?.()
    late.leave?.()
    await settled()
    expect([...busy, late].every((door) => door.leave !== null)).toBe(true)
  })

  it('sends the longest queue away', async () => {
    const limiter = new Limiter(() => ({ connections: 1 }), 10)
    for (const key of ['a', 'b']) knock(limiter, key)
    const crowd = [knock(limiter, 'a'), knock(limiter, 'a')]
    const few = knock(limiter, 'b')
    limiter.evictLongest()
    await settled()
    expect(crowd.every((door) => door.error instanceof Evicted)).toBe(true)
    expect([few.leave, few.error]).toEqual([null, null])
    expect(limiter.waiting).toBe(1)
    const late = knock(limiter, 'a')
    await settled()
    expect(late.error).toBeInstanceOf(Evicted)
    limiter.welcomeAll()
    const patient = knock(limiter, 'a')
    await settled()
    expect([patient.leave, patient.error]).toEqual([null, null])
  })
})

describe('DestinationHealth', () => {
  it('leaves a site alone for longer with each miss, and lets one that was good be tried once more at once', () => {
    let now = 0
    const health = new DestinationHealth({ now: () => now, pause: 1000, longestPause: 3000, random: () => 0.5 })
    expect(health.conditionOf('a')).toBe('new')
    health.missed('a', 'refused')
    expect([health.downBecause('a'), health.restOf('a'), health.downBecause('b')]).toEqual(['refused', 1000, null])
    // What was under way when it was found down counts for nothing.
    health.missed('a', 'refused too')
    now = 1000
    expect([health.downBecause('a'), health.conditionOf('a')]).toEqual([null, 'poor'])
    health.missed('a', 'again')
    expect(health.restOf('a')).toBe(2000)
    now = 3000
    health.missed('a', 'again')
    expect(health.restOf('a')).toBe(3000)
    health.reached('a')
    expect([health.restOf('a'), health.conditionOf('a')]).toEqual([0, 'good'])
    health.missed('a', 'x')
    expect([health.restOf('a'), health.conditionOf('a')]).toEqual([0, 'poor'])
    health.missed('a', 'x')
    expect(health.restOf('a')).toBe(1000)
  })

  it('knows destinations of one site as one, and forgets what was good long ago', () => {
    let now = 0
    const health = new DestinationHealth({ now: () => now, pause: 1000, longestPause: 3000, random: () => 0.5 })
    health.join('mx:one.example', 'servers')
    health.join('mx:two.example', 'servers')
    health.missed('mx:one.example', 'away')
    expect(health.downBecause('mx:two.example')).toBe('away')
    health.reached('servers')
    expect(health.conditionOf('mx:two.example')).toBe('good')
    now = 4_000_000
    expect(health.conditionOf('servers')).toBe('new')
  })

  it('gives those that are not known to be good less time while many keep us waiting', () => {
    const health = new DestinationHealth({ now: () => 0, pause: 1000, longestPause: 3000, random: () => 0.5 })
    const { timeouts } = defaultDelivery
    health.reached('good')
    expect(health.timeoutsFor('new', timeouts)).toEqual(timeouts)
    health.patience = 15_000
    expect(health.timeoutsFor('new', timeouts)).toMatchObject({ connect: 15_000, greeting: 15_000, end: timeouts.end })
    expect(health.timeoutsFor('good', timeouts)).toEqual(timeouts)
  })
})
