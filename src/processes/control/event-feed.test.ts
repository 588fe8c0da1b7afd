import { describe, expect, it } from 'vitest'
import type { FedEvent } from '../../doors/operations/events.ts'
import type { StoredEvent } from '../../rooms/ledger/index.ts'
import { LiveEvents } from './event-feed.ts'

const counts = { queued: 1, held: 0, damaged: 0, delivering: 0, oldest: null }

function event(sequence: number, customer = 'acme'): StoredEvent {
  return {
    shard: 0,
    sequence,
    at: sequence,
    kind: 'released',
    id: `m${sequence}`,
    customer,
    source: 's',
    detail: { by: 'ann' },
  }
}

function listen(feed: LiveEvents, after: string | null = null, customer: string | null = null) {
  const got: FedEvent[] = []
  const stop = feed.listen({ after, customer }, (one) => got.push(one))
  return { messages: () => got.filter((one) => one.event !== 'counts'), got, stop: stop ?? (() => undefined) }
}

describe('live events', () => {
  it('tell what the ledger takes, of one customer or of all, and the counts when they changed', async () => {
    const feed = new LiveEvents(() => Promise.resolve(counts))
    await feed.follow([event(1)])
    const all = listen(feed)
    const other = listen(feed, null, 'other')
    await feed.follow([event(2), event(3, 'other')])
    expect(all.messages().map(({ data }) => data)).toMatchObject([
      { id: 'm2', customer: 'acme', kind: 'released', words: 'released by ann' },
      { id: 'm3' },
    ])
    expect(other.messages()).toMatchObject([{ data: { id: 'm3' } }])
    await expect.poll(() => all.got.filter((one) => one.event === 'counts').length).toBeGreaterThan(0)
    all.stop()
    other.stop()
    await feed.follow([event(4)])
    expect(all.messages()).toHaveLength(2)
  })

  it('go on after the last id that a listener has, and say when that is not possible', async () => {
    const feed = new LiveEvents(() => Promise.reject(new Error('away')))
    const first = listen(feed)
    await feed.follow([event(1)])
    first.stop()
    const last = first.messages()[0]?.id ?? ''
    await feed.follow([event(2), event(3)])
    const again = listen(feed, last)
    expect(again.messages().map(({ data }) => (data as { id: string }).id)).toEqual(['m2', 'm3'])
    await feed.follow(Array.from({ length: 2_500 }, (_, at) => event(at + 4)))
    expect(again.messages()).toHaveLength(2_502)
    for (const unknown of [last, 'x-1', 'junk', '', `${last}9999999`]) {
      const late = listen(feed, unknown)
      expect(late.messages()).toMatchObject([{ event: 'reset' }])
      const from = late.messages()[0]?.id ?? ''
      late.stop()
      expect(listen(feed, from).messages()).toEqual([])
    }
    again.stop()
  })

  it('take no more listeners than they can serve', () => {
    const feed = new LiveEvents(() => Promise.resolve(counts))
    const stops = Array.from({ length: 100 }, () => feed.listen({ after: null, customer: null }, () => undefined))
    expect(stops).not.toContain(null)
    expect(feed.listen({ after: null, customer: null }, () => undefined)).toBeNull()
    for (const stop of stops) stop?.()
    expect(feed.listen({ after: null, customer: null }, () => undefined)).not.toBeNull()
  })
})
