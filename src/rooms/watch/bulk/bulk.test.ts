import { afterEach, describe, expect, it } from 'vitest'
import { openStore } from '../../../platform/sql.ts'
import type { StoredEvent } from '../../ledger/index.ts'
import { bigReceiverOf } from './big-receivers.ts'
import { openBulkBook } from './bulk-book.ts'
import { mailingFrom } from './shapes.ts'
import { migrateBulk } from './tables.ts'

const day = 86_400_000
const today = Date.UTC(2026, 10, 24)
const stores: { destroy(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of stores.splice(0)) await one.destroy()
})

async function opened() {
  const store = openStore('sqlite::memory:')
  stores.push(store)
  await migrateBulk(store)
  return openBulkBook(store)
}

let sequence = 0
type Drawn = {
  readonly to?: readonly string[]
  readonly list?: { readonly marked: boolean; readonly oneClick: string }
  readonly at?: number
  readonly verdict?: string
  readonly domain?: string
  readonly subject?: string
}
function taken({
  to = ['a@gmail.com'],
  list,
  at = today,
  verdict = 'relay',
  domain = 'acme.example',
  subject = 'hi',
}: Drawn = {}): StoredEvent {
  const recipients = to.map((one) => ({ localPart: one.split('@')[0], domain: one.split('@')[1] }))
  const author = { kind: 'mailbox', mailbox: { localPart: 'news', domain } }
  const evidence = { envelope: { recipients }, message: { author, subject, ...(list === undefined ? {} : { list }) } }
  const detail = { verdict, evidence }
  return { kind: 'decision', at, id: `m${++sequence}`, customer: 'acme', source: 'crm', shard: 0, sequence, detail }
}

describe('what goes to the big receivers', () => {
  it('is counted by organisational domain and receiver, today and on the greatest day', async () => {
    const book = await opened()
    const events = [
      taken({ to: ['a@gmail.com', 'b@googlemail.com', 'c@yahoo.co.uk', 'd@dest.example'] }),
      taken({ domain: 'news.acme.co.uk' }),
      taken({ domain: 'acme.co.uk' }),
      taken({ verdict: 'refuse' }),
    ]
    await book.take(events)
    await book.take(events)
    const volumes = async (now: number) =>
      (await book.volumes('acme', now)).map((one) => [one.domain, one.receiver, one.today, one.highest])
    const counted = [
      ['acme.co.uk', 'google', 2, 2],
      ['acme.example', 'google', 2, 2],
      ['acme.example', 'yahoo', 1, 1],
    ]
    expect((await volumes(today)).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(counted)
    await book.take([taken({ at: today + day })])
    expect(await volumes(today + day)).toContainEqual(['acme.example', 'google', 1, 2])
    expect(await volumes(today + day)).toContainEqual(['acme.example', 'yahoo', 0, 1])
  })

  it('knows their mailboxes of private persons', () => {
    const known = [
      'gmail.com',
      'yahoo.com',
      'yahoo.co.jp',
      'aol.com',
      'hotmail.co.uk',
      'outlook.com',
      'live.nl',
      'msn.com',
    ]
    expect(known.map(bigReceiverOf)).toEqual(['google', 'yahoo', 'yahoo', 'yahoo', ...Array(4).fill('microsoft')])
    expect(['notgmail.com', 'gmail.com.evil.example', 'google.com', 'microsoft.com'].map(bigReceiverOf)).toEqual([
      null,
      null,
      null,
      null,
    ])
  })
})

describe('bulk mail that nobody can leave with one click', () => {
  it('is a finding of its source, which is seen again, closes after a week, and opens anew', async () => {
    const book = await opened()
    const list = { marked: true, oneClick: 'no-post' }
    await book.take([taken({ list })])
    await book.take([taken({ list, at: today + day })])
    expect(await book.findings('acme')).toEqual([
      {
        id: 'bulk-without-one-click/acme/crm',
        rule: 'bulk-without-one-click',
        severity: 'medium',
        customer: 'acme',
        subject: 'crm',
        evidence: {
          messages: 2,
          why: 'it is marked as a mailing',
          lacks: expect.stringContaining('List-Unsubscribe-Post'),
          sample: `m${sequence}`,
        },
        firstSeen: today,
        lastSeen: today + day,
        state: 'open',
      },
    ])
    await book.closeOld(today + 7 * day)
    expect((await book.findings(null))[0]?.state).toBe('open')
    await book.closeOld(today + 9 * day)
    expect((await book.findings(null))[0]?.state).toBe('closed')
    await book.take([taken({ list, at: today + 10 * day })])
    expect(await book.findings('acme')).toMatchObject([
      { state: 'open', firstSeen: today + 10 * day, evidence: { messages: 1 } },
    ])
  })

  it('is known by how much of it goes out, too', async () => {
    const book = await opened()
    const to = Array.from({ length: 100 }, (_, at) => `u${at}@dest.example`)
    const mail = (at: number) => taken({ to, subject: `Offer ${at}` })
    for (let sent = 100; sent < mailingFrom; sent += 100) await book.take([mail(sent)])
    expect(await book.findings('acme')).toEqual([])
    await book.take([mail(1)])
    expect(await book.findings('acme')).toMatchObject([{ evidence: { why: expect.stringContaining('in a day') } }])
  })

  it('is none where it can be left, or is no mailing', async () => {
    const book = await opened()
    await book.take([
      taken({ list: { marked: true, oneClick: 'yes' } }),
      taken({ list: { marked: false, oneClick: 'no-post' } }),
      taken(),
    ])
    expect(await book.findings(null)).toEqual([])
  })
})
