import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fastDirectory, quietLog } from '../../path/custody/testing/entries.ts'
import { decide, recordOf } from '../../path/decision/index.ts'
import {
  account,
  asked,
  hosted,
  hostedMessage,
  id,
  mailbox,
  over,
  proven,
  workspace,
} from '../../path/decision/testing/evidence.ts'
import type { Evidence } from '../../path/evidence/index.ts'
import type { StoredEvent } from './event.ts'
import { SeenStore } from './seen-store.ts'
import { sightingOf } from './sighting.ts'

let directory: string
let store: SeenStore
beforeEach(() => {
  directory = mkdtempSync(join(fastDirectory, 'seen-'))
  store = new SeenStore(join(directory, 'seen.db'), quietLog)
})
afterEach(() => {
  store.close()
  rmSync(directory, { recursive: true })
})

let sequence = 0
/** What the relay writes for evidence: judged by the real rules. */
function judged(evidence: Evidence, at = 1_000, name: string = id): StoredEvent {
  const record = recordOf(decide(asked({ evidence })))
  const { customer, source } = record
  const detail = JSON.parse(JSON.stringify(record)) as StoredEvent['detail']
  return { kind: 'decision', at, id: name, customer, source, detail, shard: 1, sequence: ++sequence }
}

const evilTenant = '11111111-2222-4333-8444-555555555555'
const spoof = over(hosted, { m365: { tenant: proven(evilTenant), originator: proven('evil.example') } })

describe('seen', () => {
  test('counts what was taken and what was refused, each under whom the connection proves', () => {
    store.take(1, [
      judged(hosted, 2_000, 'a'),
      judged(hosted, 1_000, 'b'),
      judged(spoof, 3_000, 'c'),
      judged(account, 500, 'd'),
    ])
    const [refused, own, crm] = store.list(null)
    expect(refused).toMatchObject({
      customer: 'acme',
      kind: 'm365',
      tenant: evilTenant,
      tenantDomains: ['evil.example'],
      originator: 'evil.example',
      class: 'hosted',
      connectingHost: null,
      authorDomains: ['acme.example'],
      count: 1,
      firstSeen: '1970-01-01T00:00:03.000Z',
      samples: ['c'],
      refusedBy: { 'tenant-not-authorised': 1 },
      relation: 'unknown',
    })
    expect(own).toMatchObject({
      originator: 'acme.example',
      count: 2,
      firstSeen: '1970-01-01T00:00:01.000Z',
      lastSeen: '1970-01-01T00:00:02.000Z',
      samples: ['b', 'a'],
      refusedBy: {},
      relation: 'own',
    })
    expect(crm).toMatchObject({ kind: 'smtp-auth', tenant: 'crm@acme', originator: null, customer: 'acme' })
  })

  test('a tenant that the customer has granted something is related in whatever else it does', () => {
    store.take(1, [judged(over(hosted, { m365: { originator: proven('other.example') } }))])
    expect(store.list('acme')[0]?.relation).toBe('unknown')
    store.take(1, [judged(hosted)])
    const relations = Object.fromEntries(store.list('acme').map((row) => [row.originator, row.relation]))
    expect(relations).toEqual({ 'acme.example': 'own', 'other.example': 'related' })
    expect(store.list('acme').map((row) => row.tenantDomains)).toEqual([
      ['acme.example', 'other.example'],
      ['acme.example', 'other.example'],
    ])
  })

  test('tells a Workspace by the domain that signed, and shows what Google named beside it', () => {
    const unsigned = over(workspace, {
      google: { dkim: 'none', domain: null, signature: null, relayingDomain: 'helloadmin.example' },
    })
    store.take(1, [judged(workspace, 2_000, 'a'), judged(unsigned, 1_000, 'b')])
    expect(store.list('acme')).toMatchObject([
      { kind: 'google', tenant: 'acme.example', originator: null, class: 'hosted', relation: 'own', refusedBy: {} },
      { kind: 'google', tenant: null, originator: 'helloadmin.example', refusedBy: { 'evidence-required': 1 } },
    ])
  })

  test('events that were counted are not counted again', () => {
    const events = [judged(hosted), judged(spoof)]
    store.take(1, events)
    store.take(1, [...events, judged(hosted)])
    store.close()
    store = new SeenStore(join(directory, 'seen.db'), quietLog)
    store.take(1, events)
    expect(store.list(null).map((row) => row.count)).toEqual([2, 1])
    expect(store.progress(1)).toBe(sequence)
    expect(store.progress(2)).toBe(0)
  })

  test('keeps the newest samples and author domains', () => {
    const by = (n: number) =>
      over(spoof, {
        message: { author: { kind: 'mailbox', mailbox: { localPart: 'a', domain: `d${n}.example` as never } } },
      })
    store.take(
      1,
      Array.from({ length: 30 }, (_, n) => judged(by(n), 1_000, `id${n}`)),
    )
    const row = store.list(null).find((one) => one.tenant === evilTenant)
    expect(row?.samples).toEqual(['id29', 'id28', 'id27', 'id26', 'id25'])
    expect(row?.authorDomains).toHaveLength(20)
    expect(row?.authorDomains[0]).toBe('d29.example')
  })

  test('an unproven peer that concerns nobody makes one row, whatever its address', () => {
    const from = (client: string): Evidence => ({
      ...hosted,
      connection: { kind: 'unproven', because: 'not listed' },
      m365: null,
      message: { ...hostedMessage, author: { kind: 'mailbox', mailbox: mailbox('a@nobody.example') } },
      session: { ...hosted.session, client: client as never },
    })
    store.take(
      1,
      ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((client) => judged(from(client))),
    )
    expect(store.list(null)).toMatchObject([
      {
        customer: null,
        kind: 'unproven',
        tenant: null,
        connectingHost: null,
        count: 3,
        refusedBy: { 'source-unproven': 3 },
      },
    ])
  })

  test('rows have an end: what is new beyond counts together', () => {
    const sighted = (n: number): StoredEvent => {
      const event = judged(spoof)
      const evidence = { connection: { kind: 'm365' }, m365: { tenant: { value: `tenant ${n}` } } }
      return { ...event, detail: { ...event.detail, evidence } }
    }
    store.take(
      1,
      Array.from({ length: 5_010 }, (_, n) => sighted(n)),
    )
    const rows = store.list('acme')
    expect(rows).toHaveLength(5_001)
    expect(rows.find((row) => row.tenant === null)?.count).toBe(10)
    expect(rows.reduce((sum, row) => sum + row.count, 0)).toBe(5_010)
  })

  test('a table that is damaged begins anew', () => {
    store.take(1, [judged(hosted)])
    store.close()
    writeFileSync(join(directory, 'seen.db'), 'x'.repeat(8192))
    store = new SeenStore(join(directory, 'seen.db'), quietLog)
    expect(store.list(null)).toEqual([])
    store.take(1, [judged(hosted)])
    expect(store.list(null)).toHaveLength(1)
  })
})

describe('a sighting', () => {
  test('of an unproven peer names its network where a customer is concerned', () => {
    const host = (client: string) =>
      sightingOf({
        ...judged(hosted),
        detail: { evidence: { connection: { kind: 'unproven' }, session: { client } } },
      })?.connectingHost
    expect(host('192.0.2.1')).toBe('192.0.2.1')
    expect(host('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(host('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(host('::1')).toBe('0:0:0:0::/64')
  })

  test('is read off anything without a throw', () => {
    const event = judged(hosted)
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('evidence', 'verdict', 'rule', 'grant'), fc.jsonValue()), (detail) => {
        const sighting = sightingOf({ ...event, detail })
        if (sighting !== null) store.take(1, [{ ...event, detail, sequence: ++sequence }])
      }),
      { numRuns: 200 },
    )
    const mangled = fc.record({
      connection: fc.jsonValue(),
      m365: fc.jsonValue(),
      message: fc.jsonValue(),
      session: fc.jsonValue(),
    })
    fc.assert(
      fc.property(mangled, (evidence) => {
        sightingOf({ ...event, detail: { ...event.detail, evidence } })
      }),
      { numRuns: 300 },
    )
  })
})
