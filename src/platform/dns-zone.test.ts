import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../standards/fault.ts'
import { readZone, zoneResolver } from './dns-zone.ts'

function resolver(given: unknown) {
  const zone = readZone(given)
  if (isSyntaxFault(zone)) throw new Error(zone.reason)
  return zoneResolver(zone)
}

describe('a zone', () => {
  const zone = resolver({
    'A.example.': { A: ['192.0.2.1'], TXT: ['one', ['of ', 'two']], MX: [{ preference: 1, exchange: 'Mx.example.' }] },
    'alias.example': { CNAME: 'a.example' },
    'dangling.example': { CNAME: 'gone.example' },
    'circle.example': { CNAME: 'circle.example' },
    'slow.example': { TXT: ['here'], otherwise: 'TIMEOUT' },
    'other.example': { SPF: ['v=spf1 -all'] },
    'broken.example': { otherwise: 'SERVFAIL' },
    '1.2.0.192.in-addr.arpa': { PTR: ['A.example'] },
  })

  it('answers whatever the case of the name, aliases followed', async () => {
    expect(await zone.ask('TXT', 'a.EXAMPLE')).toEqual({ records: ['one', 'of two'], exists: true, authentic: false })
    expect(await zone.ask('A', 'alias.example')).toMatchObject({ records: ['192.0.2.1'] })
    expect(await zone.ask('MX', 'a.example')).toMatchObject({ records: [{ preference: 1, exchange: 'mx.example' }] })
    expect(await zone.ask('PTR', '1.2.0.192.in-addr.arpa')).toMatchObject({ records: ['a.example'] })
  })

  it('tells what does not exist from what has no such record', async () => {
    expect(await zone.ask('A', 'b.example')).toMatchObject({ records: [], exists: false })
    expect(await zone.ask('AAAA', 'a.example')).toMatchObject({ records: [], exists: true })
    expect(await zone.ask('TXT', 'other.example')).toMatchObject({ records: [], exists: true })
    expect(await zone.ask('A', 'dangling.example')).toMatchObject({ records: [], exists: true })
  })

  it('fails as it is told to', async () => {
    expect(await zone.ask('TXT', 'slow.example')).toMatchObject({ records: ['here'] })
    expect(await zone.ask('A', 'slow.example')).toEqual({ trouble: 'timeout', name: 'slow.example' })
    expect(await zone.ask('TXT', 'broken.example')).toEqual({ trouble: 'servfail', name: 'broken.example' })
    expect(await zone.ask('A', 'circle.example')).toHaveProperty('trouble')
  })

  it.each([
    [[], 'the zone is not an object of names'],
    [{ a: [] }, 'the zone entry "a": it is not an object of records'],
    [{ a: { TXT: 'x' } }, 'the zone entry "a": TXT is not a list'],
    [{ a: { TXT: [1] } }, 'the zone entry "a": a record of type TXT is malformed'],
    [{ a: { A: ['::1'] } }, 'the zone entry "a": a record of type A is malformed'],
    [{ a: { txt: [] } }, 'the zone entry "a": "txt" is not a type of record'],
    [{ a: { otherwise: 'NXDOMAIN' } }, 'the zone entry "a": otherwise is not TIMEOUT or SERVFAIL'],
    [{ a: { CNAME: 1 } }, 'the zone entry "a": CNAME is not a name'],
  ])('that is malformed is a fault: %j', (given, reason) => {
    expect(readZone(given)).toMatchObject({ reason })
  })
})
