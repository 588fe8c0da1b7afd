import { describe, expect, test } from 'vitest'
import type { Dns, DnsTrouble } from '../../platform/dns.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { OwnerLocks } from './owner-locks.ts'

const domain = 'acme.example' as Domain
const now = Date.UTC(2026, 10, 24)

/** Locks over a resolver whose answer the test changes; `asked` counts the questions. */
function locksOver(answer: () => readonly string[] | DnsTrouble) {
  const asked: string[] = []
  const txt = async (name: string) => {
    asked.push(name)
    return answer()
  }
  return { locks: new OwnerLocks({ txt } as unknown as Dns), asked }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

describe('who cannot wait', () => {
  test('gets null first, what was read then, and null again when that is old', async () => {
    let records = ['v=anechoic1; source=a']
    const { locks, asked } = locksOver(() => records)
    expect(locks.current(domain, now)).toBeNull()
    expect(locks.current(domain, now)).toBeNull()
    await settled()
    expect(asked).toEqual(['_anechoic.acme.example'])
    expect(locks.current(domain, now + 29_999)).toMatchObject({ kind: 'read', lock: { sources: ['a'] } })
    records = []
    expect(locks.current(domain, now + 30_000)).toBeNull()
    await settled()
    expect(locks.current(domain, now + 30_000)).toMatchObject({ kind: 'read', lock: { records: 0 } })
  })

  test('gets null from a clock that was set back', async () => {
    const { locks } = locksOver(() => [])
    locks.current(domain, now)
    await settled()
    expect(locks.current(domain, now - 1)).toBeNull()
  })
})

test.each([
  ['trouble', () => ({ trouble: 'servfail', name: 'x' }) as const, /cannot be read: servfail/],
  ['a record of another kind', () => ['v=spf1 -all'], /cannot be understood: a record does not begin with/],
  [
    'a fault of ours',
    () => {
      throw new Error('the socket is gone')
    },
    /cannot be read: the socket is gone/,
  ],
] as const)('%s is told as such', async (_, answer, words) => {
  const { locks } = locksOver(answer)
  locks.current(domain, now)
  await settled()
  expect(locks.current(domain, now)).toEqual({ kind: 'unavailable', domain, because: expect.stringMatching(words) })
})
