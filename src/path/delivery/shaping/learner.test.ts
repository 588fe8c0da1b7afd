import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import { ShapingBook } from './book.ts'
import { type Experience, Learner } from './learner.ts'
import { ProfileTable } from './match.ts'
import type { ShapingNotice } from './notice.ts'
import { isProfileProblems, readProfiles } from './read-profiles.ts'

const own = `profiles:
  test:
    domains: [dest.example]
    actions:
      rate: [{ do: slow, replies: 2, within: 1m, factor: 50%, least: 10%, for: 8m, steps: 4 }]
      reputation: [{ do: suspend, what: address, replies: 3, within: 10m, share: 50%, for: 1h, most: 3h }]
      content: [{ do: suspend, what: customer, permanent: true, replies: 3, within: 10m, for: 1h }]
      auth: [{ do: suspend, what: source, replies: 3, within: 10m, domains: 2, for: 1h }]
`

const read = readProfiles(own, 'own.yaml')
if (isProfileProblems(read)) throw new Error(read.problems.join('\n'))
const terms = new ProfileTable(read).termsFor([], 'dest.example' as Domain)

function school() {
  const clock = { now: 1_000_000 }
  const now = () => clock.now
  const book = new ShapingBook(now)
  const learner = new Learner(book, now)
  const heard: ShapingNotice[] = []
  book.onNotice((notice) => heard.push(notice))
  let messages = 0
  const learn = (replyClass: ReplyClass | null, changes: Partial<Experience> = {}) =>
    learner.learn({
      site: 'dest.example',
      terms,
      address: '192.0.2.1',
      customer: 'acme',
      source: 'acme-m365',
      message: `m${++messages}`,
      domain: 'dest.example',
      began: clock.now,
      delivered: replyClass === null,
      refusals: replyClass === null ? [] : [{ class: replyClass, reply: `reply ${messages}`, forGood: true }],
      perMinute: 120,
      ...changes,
    })
  return { clock, book, learner, heard, learn }
}

const minute = 60_000

describe('Learner', () => {
  it('suspends nobody for what was said of one message, however often', () => {
    const { book, learn } = school()
    for (let at = 0; at < 50; at++) {
      learn('reputation', { message: 'the same' })
      learn('content', { message: 'the same' })
    }
    expect(book.list()).toEqual([])
  })

  it('suspends an address at a site with the reply, the message and the rule, and lets it be after its time', () => {
    const { clock, book, learn } = school()
    learn('reputation')
    learn('reputation')
    const [notice] = learn('reputation')
    expect(notice).toMatchObject({
      kind: 'suspend',
      site: 'dest.example',
      scope: { what: 'address', address: '192.0.2.1' },
      because: { class: 'reputation', reply: 'reply 3', message: 'm3', replies: 3, domain: 'dest.example' },
      by: 'test, own.yaml:6',
      until: clock.now + 60 * minute,
    })
    expect([...book.suspendedAddresses('dest.example').keys()]).toEqual(['192.0.2.1'])
    expect(book.suspendedAddresses('other.example').size).toBe(0)
    clock.now += 60 * minute
    expect(book.list()).toEqual([])
    expect(book.suspendedAddresses('dest.example').size).toBe(0)
  })

  it('suspends for longer each time again, up to the most, and forgets it after a day', () => {
    const { clock, book, learn } = school()
    const suspendAgain = (): number => {
      for (let at = 0; at < 3; at++) learn('reputation')
      const until = book.list()[0]?.until ?? 0
      const length = until - clock.now
      clock.now = until + minute
      return length
    }
    expect([suspendAgain(), suspendAgain(), suspendAgain()]).toEqual([60 * minute, 120 * minute, 180 * minute])
    clock.now += 25 * 60 * minute
    expect(suspendAgain()).toBe(60 * minute)
  })

  it('wants a share of all mail where the rule says so', () => {
    const { book, learn } = school()
    learn('reputation')
    for (let at = 0; at < 10; at++) learn(null)
    for (let at = 0; at < 4; at++) learn('reputation')
    expect(book.list()).toEqual([])
    for (let at = 0; at < 8; at++) learn('reputation')
    expect(book.list()).toHaveLength(1)
  })

  it('counts no reply for now where only those for good count', () => {
    const { book, learn } = school()
    const refusals = [{ class: 'content' as const, reply: '451 not now', forGood: false }]
    for (let at = 0; at < 30; at++) learn('content', { refusals })
    expect(book.list()).toEqual([])
  })

  it('counts only what came within the window', () => {
    const { clock, book, learn } = school()
    for (let at = 0; at < 6; at++) {
      learn('content')
      clock.now += 6 * minute
    }
    expect(book.list()).toEqual([])
  })

  it('suspends the customer whose mail it is and no other, and a source by more than one domain', () => {
    const { book, learn } = school()
    for (let at = 0; at < 3; at++) learn('content')
    learn('content', { customer: 'globex' })
    for (let at = 0; at < 5; at++) learn('auth', { customer: 'globex', source: 'crm' })
    expect(book.list().map((one) => one.scope)).toEqual([{ what: 'customer', customer: 'acme' }])
    learn('auth', { customer: 'globex', source: 'crm', domain: 'other.example' })
    expect(book.list().at(-1)?.scope).toEqual({ what: 'source', customer: 'globex', source: 'crm' })
  })

  it('slows down, once for what was under way together, further if it goes on, and recovers in steps', () => {
    const { clock, book, heard, learn } = school()
    const began = clock.now
    clock.now += 1000
    for (let at = 0; at < 20; at++) learn('rate', { began })
    expect(book.list()).toMatchObject([{ kind: 'slow', factor: 0.5, perMinute: 120 }])
    clock.now += 1000
    for (let at = 0; at < 2; at++) learn('rate')
    expect(book.list()).toMatchObject([{ factor: 0.25, perMinute: 120 }])
    const factors: number[] = []
    for (let at = 0; at < 12 && book.list().length > 0; at++) {
      clock.now += 2 * minute
      learn(null)
      factors.push(Number((book.list()[0]?.factor ?? 1).toFixed(3)))
    }
    expect(factors.slice(0, 3)).toEqual([0.375, 0.5, 0.625])
    expect(heard.at(-1)?.ended ?? { how: 'expired' }).toMatchObject({
      how: expect.stringMatching(/recovered|expired/) as string,
    })
    expect(book.list()).toEqual([])
  })
})

describe('ShapingBook', () => {
  it('takes over what another process made or ended, without passing it on', () => {
    const { book, learn } = school()
    const other = school()
    const passed: ShapingNotice[] = []
    other.book.onNotice((notice) => passed.push(notice))
    book.onNotice((notice) => other.book.apply(JSON.parse(JSON.stringify(notice)) as ShapingNotice))
    for (let at = 0; at < 3; at++) learn('content')
    expect(other.book.list()).toEqual(book.list())
    const [notice] = book.list()
    expect(book.clear(notice?.id ?? '', 'ada')).toBe(true)
    expect(book.clear(notice?.id ?? '', 'ada')).toBe(false)
    expect([book.list(), other.book.list(), passed]).toEqual([[], [], []])
  })

  it('never holds two actions of a kind for one scope, whatever comes in whatever order', () => {
    const scopes = fc.constantFrom('a', 'b')
    const notices = fc.array(
      fc.record({
        id: fc.constantFrom('1', '2', '3', '4'),
        address: scopes,
        changed: fc.nat(50),
        until: fc.integer({ min: 1, max: 99 }),
        ended: fc.boolean(),
      }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(notices, (all) => {
        const clock = { now: 0 }
        const book = new ShapingBook(() => clock.now)
        for (const { id, address, changed, until, ended } of all) {
          book.apply({
            id: `${address}${id}`,
            kind: 'suspend',
            site: 's',
            scope: { what: 'address', address },
            factor: 0,
            step: 'down',
            perMinute: null,
            from: 0,
            changed,
            until,
            because: { class: 'rate', reply: '', replies: 1, message: 'm', domain: 'd' },
            by: 'rule',
            ended: ended ? { at: 0, how: 'cleared', by: 'x' } : null,
          })
        }
        const addresses = book.list().map((one) => (one.scope.what === 'address' ? one.scope.address : null))
        expect(new Set(addresses).size).toBe(addresses.length)
        clock.now = 100
        expect(book.list()).toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})
