import { describe, expect, it } from 'vitest'
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
  it('takes a destination for down after three misses in a row, for a while', () => {
    let now = 0
    const health = new DestinationHealth({ now: () => now, pause: 1000, longestPause: 9000, random: () => 0.5 })
    health.missed('a', 'x')
    health.missed('a', 'x')
    health.reached('a')
    health.missed('a', 'x')
    health.missed('a', 'x')
    expect(health.downBecause('a')).toBeNull()
    health.missed('a', 'refused')
    expect(health.downBecause('a')).toBe('refused')
    expect(health.downBecause('b')).toBeNull()
    now = 1000
    expect(health.downBecause('a')).toBeNull()
    health.missed('a', 'again')
    expect(health.downBecause('a')).toBe('again')
  })
})
