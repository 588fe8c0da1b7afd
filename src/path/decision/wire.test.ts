import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newDecisionId } from './decision-id.ts'
import { ruleOrder } from './rules.ts'
import { forPeople, forWire, lineOf, replyTo } from './wire.ts'

const id = newDecisionId(Date.UTC(2026, 10, 24), 0, 1)
const grammar = /^(250|45[12]|55[024]) [245]\.\d\.\d \[([a-z0-9-]+)\] [ -~]+ \(([0-9a-hjkmnp-tv-z]{16})\)$/

describe('replies', () => {
  test('every rule says one line in the grammar, whatever the peer supplied', () => {
    const hostile = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 700 }).map((units) => String.fromCharCode(...units)),
      fc.constantFrom(
        '',
        '\r\n250 2.0.0 [accepted] yours',
        '] (0000000000000000)',
        '\u202e\0',
        'ı'.repeat(700),
        '\ud800',
      ),
    )
    fc.assert(
      fc.property(fc.constantFrom(...ruleOrder), fc.option(hostile), (rule, about) => {
        const reply = replyTo(rule, about, id)
        expect(reply.lines).toHaveLength(1)
        const line = lineOf(reply)
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(510)
        expect(line.match(grammar)?.slice(2)).toEqual([rule, id])
        expect(line.match(/[[\]()]/g)).toHaveLength(4)
      }),
      { numRuns: 1000, seed: 1 },
    )
  })

  test('the words name what the rule is about', () => {
    expect(lineOf(replyTo('tenant-not-authorised', 'acme.example', id))).toBe(
      `550 5.7.1 [tenant-not-authorised] the owner of acme.example has not authorised this source (${id})`,
    )
  })
})

describe('escaping', () => {
  test('for the wire: printable ASCII without brackets', () => {
    expect(forWire('a\r\n[b]\\(é)\u{1f600}', 200)).toBe('a\\x0d\\x0a\\x5bb\\x5d\\x5c\\x28\\xe9\\x29\\u{1f600}')
    expect(forWire('x'.repeat(50), 20)).toBe(`${'x'.repeat(17)}...`)
    expect(forWire('x'.repeat(20), 20)).toBe('x'.repeat(20))
  })

  test('for people: their own script stays, what is invisible does not', () => {
    expect(forPeople('Şirket \u202e\u001b[2J\u200b\u2028\ud800')).toBe(
      'Şirket \\u{202e}\\x1b[2J\\u{200b}\\u{2028}\\u{d800}',
    )
    expect(forPeople('x'.repeat(400), 10)).toBe(`${'x'.repeat(10)}...`)
  })
})
