import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { openStore } from '../../../platform/sql.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { StoredEvent } from '../../ledger/index.ts'
import { migrateRegistry } from '../store/migrations.ts'
import { AddressSet } from './address-set.ts'
import { addressKey, readListedAddress } from './address.ts'
import { SuppressionBook } from './suppression-book.ts'
import { openSuppressions } from './suppressions.ts'

const day = 86_400_000
const stores: { destroy(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of stores.splice(0)) await one.destroy()
})

async function opened() {
  const store = openStore('sqlite::memory:')
  stores.push(store)
  await migrateRegistry(store)
  const clock = { at: Date.UTC(2026, 10, 24), now: () => clock.at }
  const lists = openSuppressions(store, clock)
  const book = new SuppressionBook()
  const isListed = async (address: string, customer = 'acme') => {
    await book.follow((change, limit) => lists.changesAfter(change, limit))
    const [localPart = '', domain = ''] = address.split('@')
    return book.isListed(customer, { localPart, domain: domain as Domain }, clock.at)
  }
  const all = async (customer = 'acme') => lists.list({ customer, after: null, limit: 1000, reason: null })
  return { clock, lists, book, isListed, all }
}

const entry = (address: string, more = {}) => ({
  address,
  reason: 'manual' as const,
  note: 'asked',
  since: null,
  until: null,
  ...more,
})
const by = { customer: 'acme', author: 'ann', dryRun: false }

let sequence = 0
const event = (
  kind: StoredEvent['kind'],
  detail: StoredEvent['detail'],
  more: Partial<StoredEvent> = {},
): StoredEvent => ({
  kind,
  at: Date.UTC(2026, 10, 24),
  id: 'message-1',
  customer: 'acme',
  source: 'acme-m365',
  shard: 0,
  sequence: ++sequence,
  detail,
  ...more,
})
const refusal = { remote: { name: 'mx.example' }, reply: '550 5.1.1 no such user', class: 'recipient' }

describe('AddressSet', () => {
  it('holds what a map holds, through growth, removal and the end of an entry', () => {
    const key = fc.record({ high: fc.nat(3), low: fc.oneof(fc.nat(40), fc.constant(0xffff_ffff)) })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, until: fc.option(fc.integer({ min: 1, max: 50 })) }),
      fc.record({ kind: fc.constant('delete' as const), key, until: fc.constant(null) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 60 }), (steps, now) => {
        const [set, model] = [new AddressSet(), new Map<string, number | null>()]
        for (const { kind, key: at, until } of steps) {
          const name = `${at.high}/${at.low}`
          if (kind === 'set') {
            set.set(at, until === null ? null : until * 1000)
            model.set(name, until)
          } else {
            set.delete(at)
            model.delete(name)
          }
        }
        expect(set.size).toBe(model.size)
        for (let high = 0; high < 4; high++) {
          for (const low of [...Array.from({ length: 41 }, (_, at) => at), 0xffff_ffff]) {
            const until = model.get(`${high}/${low}`)
            expect(set.has({ high, low }, now * 1000)).toBe(until === null || (until !== undefined && until > now))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('takes a hundred thousand addresses without losing one', () => {
    const set = new AddressSet()
    const keys = Array.from({ length: 100_000 }, (_, at) => addressKey('acme', `u${at}@dest.example`))
    for (const key of keys) set.set(key, null)
    expect(set.size).toBe(keys.length)
    expect(keys.every((key) => set.has(key, 0))).toBe(true)
    expect(set.has(addressKey('other', 'u1@dest.example'), 0)).toBe(false)
  })
})

describe('a suppression list', () => {
  it('is read in the form that counts: the domain without regard to case, the local part as it is', async () => {
    expect(readListedAddress('Ann@DEST.Example')).toBe('Ann@dest.example')
    expect(readListedAddress('"ann"@dest.example')).toBe('ann@dest.example')
    expect(readListedAddress('ann@bücher.example')).toBe('ann@xn--bcher-kva.example')
    for (const wrong of ['ann', 'ann@', '@x.example', 'ann@[192.0.2.1]', 'a@b.example> <c@d.example', '']) {
      expect(readListedAddress(wrong), wrong).toMatchObject({ fault: 'syntax' })
    }
    const { lists, isListed } = await opened()
    await lists.add({ ...by, entries: [entry('Ann@dest.example')] })
    expect(await isListed('Ann@dest.example')).toBe(true)
    expect(await isListed('ann@dest.example')).toBe(false)
    expect(await isListed('Ann@dest.example', 'other')).toBe(false)
  })

  it('keeps who did what, why and until when', async () => {
    const { lists, all, clock, isListed } = await opened()
    const until = clock.at + day
    expect(await lists.add({ ...by, entries: [entry('a@x.example', { until }), entry('b@x.example')] })).toEqual({
      added: 2,
      kept: 0,
    })
    expect(await all()).toMatchObject([
      { address: 'a@x.example', reason: 'manual', note: 'asked', author: 'ann', since: clock.at, until, event: null },
      { address: 'b@x.example', until: null },
    ])
    clock.at = until
    expect((await all()).map((one) => one.address)).toEqual(['b@x.example'])
    expect(await isListed('a@x.example')).toBe(false)
  })

  it('leaves what stands for as long, and lengthens what stands for less', async () => {
    const { lists, all, clock } = await opened()
    await lists.add({ ...by, entries: [entry('a@x.example', { until: clock.at + day, note: 'first' })] })
    const again = (until: number | null) =>
      lists.add({ ...by, entries: [entry('a@x.example', { until, note: 'second' })] })
    expect(await again(clock.at + day / 2)).toEqual({ added: 0, kept: 1 })
    expect((await all())[0]?.note).toBe('first')
    expect(await again(null)).toEqual({ added: 1, kept: 0 })
    expect(await again(clock.at + 9 * day)).toEqual({ added: 0, kept: 1 })
    expect((await all())[0]).toMatchObject({ note: 'second', until: null })
  })

  it('gives back what is taken off, in memory too, and only where nothing is tried dry', async () => {
    const { lists, isListed } = await opened()
    await lists.add({ ...by, dryRun: true, entries: [entry('a@x.example')] })
    expect(await isListed('a@x.example')).toBe(false)
    await lists.add({ ...by, entries: [entry('a@x.example')] })
    expect(await isListed('a@x.example')).toBe(true)
    const off = { ...by, addresses: ['a@x.example', 'never@x.example'], note: 'wrote to us' }
    expect(await lists.remove({ ...off, dryRun: true })).toBe(1)
    expect(await isListed('a@x.example')).toBe(true)
    expect(await lists.remove(off)).toBe(1)
    expect(await lists.remove(off)).toBe(0)
    expect(await isListed('a@x.example')).toBe(false)
    await lists.add({ ...by, entries: [entry('a@x.example')] })
    expect(await isListed('a@x.example')).toBe(true)
  })

  it('is read in pages, by reason too, and followed page by page', async () => {
    const { lists, book } = await opened()
    const entries = Array.from({ length: 12_001 }, (_, at) =>
      entry(`u${String(at).padStart(5, '0')}@x.example`, { reason: at % 2 === 0 ? 'complaint' : 'manual' }),
    )
    expect(await lists.add({ ...by, entries })).toEqual({ added: 12_001, kept: 0 })
    const page = await lists.list({ customer: 'acme', after: 'u00009@x.example', limit: 3, reason: 'complaint' })
    expect(page.map((one) => one.address)).toEqual(['u00010@x.example', 'u00012@x.example', 'u00014@x.example'])
    await book.follow((change, limit) => lists.changesAfter(change, limit))
    expect(book.size).toBe(12_001)
  })
})

describe('what the ledger tells', () => {
  it('lists who the receiver says is not there, once, whatever is handed over twice', async () => {
    const { lists, all } = await opened()
    const failed = event('failed', { ...refusal, recipients: ['a@x.example', 'b@x.example'] })
    await lists.take([failed])
    await lists.remove({ ...by, addresses: ['a@x.example'], note: '' })
    await lists.take([failed])
    expect(await all()).toMatchObject([
      {
        address: 'b@x.example',
        reason: 'hard-bounce',
        note: 'recipient: 550 5.1.1 no such user',
        event: 'message-1',
        author: 'ledger',
        until: null,
      },
    ])
  })

  it('believes only a refusal for good, of the receiver, about the address', async () => {
    const { lists, all } = await opened()
    const recipients = ['a@x.example']
    await lists.take([
      event('failed', { ...refusal, recipients, class: 'content' }),
      event('failed', { ...refusal, recipients, class: 'policy' }),
      event('failed', { ...refusal, recipients, class: 'full' }),
      event('failed', { ...refusal, recipients, remote: null }),
      event('failed', { ...refusal, recipients, reply: '5.4.7 given up; the last answer was: 450 4.1.1 no such user' }),
      event('deferred', { ...refusal, recipients }),
      event('delivered', { ...refusal, recipients }),
      event('failed', { ...refusal, recipients }, { customer: null }),
      event('failed', { ...refusal, recipients }, { customer: 'self' }),
      event('failed', { ...refusal, recipients: ['nonsense', 4] }),
    ])
    expect(await all()).toEqual([])
  })

  it('lists a domain that is not found after three days of it', async () => {
    const { lists, all } = await opened()
    const gone = {
      recipients: ['a@gone.example'],
      remote: null,
      reply: '5.1.2 gone.example has no mail server',
      class: 'domain',
    }
    const start = Date.UTC(2026, 10, 20)
    await lists.take([0, 1, 2].map((minutes) => event('failed', gone, { at: start + minutes * 60_000 })))
    await lists.take([event('failed', gone, { at: start + day })])
    expect(await all()).toEqual([])
    await lists.take([event('failed', gone, { at: start + 2 * day })])
    expect(await all()).toMatchObject([{ address: 'a@gone.example', reason: 'hard-bounce', until: start + 92 * day }])
  })

  it('lists who complained, and what bounced after it was taken', async () => {
    const { lists, all } = await opened()
    await lists.take([
      event('complained', { recipients: ['c@x.example'] }),
      event('bounced-later', {
        recipients: ['d@x.example'],
        class: 'inactive',
        reply: '550 5.2.1 disabled',
      }),
      event('bounced-later', { recipients: ['e@x.example'], class: 'full', reply: '552 5.2.2' }),
    ])
    expect((await all()).map((one) => [one.address, one.reason, one.until !== null])).toEqual([
      ['c@x.example', 'complaint', false],
      ['d@x.example', 'hard-bounce', true],
    ])
  })

  it('makes an entry that ends into one that does not', async () => {
    const { lists, all } = await opened()
    const recipients = ['d@x.example']
    await lists.take([event('failed', { ...refusal, recipients, class: 'inactive' })])
    await lists.take([event('complained', { recipients })])
    expect(await all()).toMatchObject([{ reason: 'complaint', until: null }])
  })
})
