import { describe, expect, it } from 'vitest'
import type { DnsTrouble, RecordType } from '../standards/dns/inquiry.ts'
import { cachedResolver } from './dns-cache.ts'
import type { DnsClient, TimedAnswer } from './dns-client.ts'

/** A client that answers from a list that tests change, and counts. */
function scripted(script: { [question: string]: TimedAnswer<'TXT'> | DnsTrouble }) {
  const asked: string[] = []
  const fetch = (async (type: RecordType, name: string) => {
    asked.push(`${type} ${name}`)
    await Promise.resolve()
    return script[name]
  }) as DnsClient['fetch']
  return { asked, client: { fetch, ask: () => Promise.reject(new Error('not by this way')) } satisfies DnsClient }
}

const found = (text: string, secondsToLive: number | null): TimedAnswer<'TXT'> => ({
  answer: { records: [text], exists: true, authentic: true },
  secondsToLive,
})
const absent = (secondsToLive: number | null): TimedAnswer<'TXT'> => ({
  answer: { records: [], exists: false, authentic: false },
  secondsToLive,
})

function world(
  script: { [question: string]: TimedAnswer<'TXT'> | DnsTrouble },
  limits?: Parameters<typeof cachedResolver>[2],
) {
  const { asked, client } = scripted(script)
  let time = 0
  const resolver = cachedResolver(client, { now: () => 0, steady: () => time }, limits)
  return { asked, resolver, pass: (seconds: number) => void (time += seconds * 1000) }
}

describe('answers that are kept', () => {
  it('are given again until their time is over, AD bit and all', async () => {
    const { asked, resolver, pass } = world({ 'a.example': found('x', 60) })
    const first = await resolver.ask('TXT', 'a.example')
    pass(59)
    expect(await resolver.ask('TXT', 'A.example')).toEqual(first)
    expect(first).toEqual({ records: ['x'], exists: true, authentic: true })
    expect(asked).toHaveLength(1)
    pass(1)
    await resolver.ask('TXT', 'a.example')
    expect(asked).toHaveLength(2)
  })

  it('are absences too, but only those with an SOA', async () => {
    const { asked, resolver } = world({ 'soa.example': absent(30), 'bare.example': absent(null) })
    for (const name of ['soa.example', 'soa.example', 'bare.example', 'bare.example']) await resolver.ask('TXT', name)
    expect(asked).toEqual(['TXT soa.example', 'TXT bare.example', 'TXT bare.example'])
  })

  it('are never trouble', async () => {
    const script: { [name: string]: TimedAnswer<'TXT'> | DnsTrouble } = {
      'a.example': { trouble: 'servfail', name: 'a.example' },
    }
    const { resolver } = world(script)
    expect(await resolver.ask('TXT', 'a.example')).toEqual({ trouble: 'servfail', name: 'a.example' })
    script['a.example'] = found('x', 60)
    expect(await resolver.ask('TXT', 'a.example')).toMatchObject({ records: ['x'] })
  })

  it('are no longer believed than a day', async () => {
    const { asked, resolver, pass } = world({ 'a.example': found('x', 10_000_000) })
    await resolver.ask('TXT', 'a.example')
    pass(86_400)
    await resolver.ask('TXT', 'a.example')
    expect(asked).toHaveLength(2)
  })

  it('are shared by who asks at the same time, even those that are not kept', async () => {
    const { asked, resolver } = world({ 'a.example': found('x', 0) })
    const both = await Promise.all([resolver.ask('TXT', 'a.example'), resolver.ask('TXT', 'a.example')])
    expect(both[0]).toEqual(both[1])
    expect(asked).toHaveLength(1)
    await resolver.ask('TXT', 'a.example')
    expect(asked).toHaveLength(2)
  })

  it('make room for newer ones: least recently used first, by number and by size', async () => {
    const script = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, found('x', 60)]))
    const few = world(script, { maxEntries: 2, maxOctets: 1_000_000 })
    for (const name of ['a', 'b', 'a', 'c', 'a']) await few.resolver.ask('TXT', name)
    expect(few.asked).toEqual(['TXT a', 'TXT b', 'TXT c'])
    await few.resolver.ask('TXT', 'b')
    expect(few.asked).toHaveLength(4)

    const large = { a: found('x'.repeat(5000), 60), b: found('x'.repeat(5000), 60) }
    const small = world(large, { maxEntries: 100, maxOctets: 6000 })
    for (const name of ['a', 'b', 'b', 'a']) await small.resolver.ask('TXT', name)
    expect(small.asked).toEqual(['TXT a', 'TXT b', 'TXT a'])
  })
})
