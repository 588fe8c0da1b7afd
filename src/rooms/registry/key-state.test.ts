import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type KeyEvent, type KeyState, agedAt, nextState, recordDue, settledAt } from './key-state.ts'

const states: readonly KeyState[] = ['pending', 'published', 'active', 'retiring', 'retired', 'revoked']
const events: readonly KeyEvent[] = ['seen', 'unseen', 'settled', 'superseded', 'aged', 'revoked']
const day = 86_400_000

describe('the states of a key', () => {
  test.each<readonly [KeyState, { readonly [event in KeyEvent]?: KeyState }]>([
    ['pending', { seen: 'published', superseded: 'retired', revoked: 'revoked' }],
    ['published', { unseen: 'pending', settled: 'active', superseded: 'retired', revoked: 'revoked' }],
    ['active', { superseded: 'retiring', revoked: 'revoked' }],
    ['retiring', { aged: 'retired', revoked: 'revoked' }],
    ['retired', { revoked: 'revoked' }],
    ['revoked', {}],
  ])('from %s only these arrows lead on', (state, arrows) => {
    for (const event of events) expect(nextState(state, event)).toBe(arrows[event] ?? null)
  })

  test('every arrow of the code is in the document, and the other way round', () => {
    const text = readFileSync(new URL('KEYS.md', import.meta.url), 'utf8')
    const told = [...text.matchAll(/^\| (.+) → `([a-z]+)`(?: \*)? \| `([a-z]+)` \|/gm)].flatMap(
      ([, from, to, event]) => {
        const froms = from === 'any but `revoked`' ? states.slice(0, -1) : (from ?? '').split(', ')
        return froms.map((one) => `${one.replaceAll('`', '')} ${event} ${to}`)
      },
    )
    const held = states.flatMap((state) =>
      events.flatMap((event) => {
        const next = nextState(state, event)
        return next === null ? [] : [`${state} ${event} ${next}`]
      }),
    )
    expect(told.toSorted()).toEqual(held.toSorted())
  })

  test('a key is never active without having been seen since it was last hidden, and never comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 20 }), (life) => {
        let state: KeyState = 'pending'
        let seen = false
        let ceased = false
        for (const event of life) {
          const next = nextState(state, event)
          if (next === null) continue
          state = next
          if (event === 'seen') seen = true
          if (event === 'unseen') seen = false
          if (state === 'retiring' || state === 'retired' || state === 'revoked') ceased = true
          if (state === 'active') expect([seen, ceased]).toEqual([true, false])
        }
      }),
      { numRuns: 500 },
    )
  })

  test('the record stays while mail may need it, and is empty for a revoked key', () => {
    expect(states.map(recordDue)).toEqual(['key', 'key', 'key', 'key', 'nothing', 'revocation'])
  })

  test('a key is aged when its last signature has expired and the queue has given up', () => {
    expect(agedAt(1000, 5 * day)).toBe(1000 + 12 * day)
  })

  test('a name that had another key rests a day', () => {
    expect([settledAt(1000, false), settledAt(1000, true)]).toEqual([1000, 1000 + day])
  })
})
