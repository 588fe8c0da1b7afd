import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GrantCopy, GrantIndex, copyInParts, grantChange, reducePolicy } from './policy-copy.ts'

const grant = (source: string, domain: string, subdomains = false): GrantCopy => ({
  customer: 'acme',
  source,
  domain,
  subdomains,
})

function indexOf(grants: readonly GrantCopy[]): GrantIndex {
  const index = new GrantIndex()
  for (const part of copyInParts({ version: 1, grants })) index.apply(part)
  return index
}

describe('the grants of a policy copy', () => {
  const index = indexOf([grant('m365', 'acme.example'), grant('crm', 'deep.example', true)])

  it.each([
    ['acme', 'm365', 'acme.example', true],
    ['acme', 'm365', 'mail.acme.example', false],
    ['acme', 'm365', 'example', false],
    ['acme', 'crm', 'acme.example', false],
    ['other', 'm365', 'acme.example', false],
    ['acme', 'crm', 'deep.example', true],
    ['acme', 'crm', 'a.b.deep.example', true],
    ['acme', 'crm', 'notdeep.example', false],
    ['acme', 'm365', '', false],
  ])('cover %s %s %s: %s', (customer, source, domain, covered) => {
    expect(index.covers(customer, source, domain)).toBe(covered)
  })

  it('cover nothing when there are none', () => {
    expect(indexOf([]).covers('acme', 'm365', 'acme.example')).toBe(false)
  })

  it('are, after any changes, those of the last copy and no others', () => {
    const some = fc.array(
      fc.record({
        customer: fc.constantFrom('a', 'b'),
        source: fc.constantFrom('s', 't'),
        domain: fc.constantFrom('x.example', 'y.x.example'),
        subdomains: fc.boolean(),
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 5 }), (copies) => {
        const followed = new GrantIndex()
        let before: readonly GrantCopy[] = []
        for (const [version, grants] of copies.entries()) {
          followed.apply({ version, ...grantChange(before, grants), lostKeys: [] })
          before = grants
        }
        const fresh = indexOf(copies.at(-1) ?? [])
        for (const customer of ['a', 'b'])
          for (const source of ['s', 't'])
            for (const domain of ['x.example', 'y.x.example', 'z.y.x.example'])
              expect(followed.covers(customer, source, domain)).toBe(fresh.covers(customer, source, domain))
      }),
    )
  })

  it('change by what differs alone', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((source) => grant(source, 'x.example')) as [GrantCopy, GrantCopy, GrantCopy]
    expect(grantChange([a, b], [b, c])).toEqual({ grants: [c], lostGrants: [a] })
    expect(grantChange([a, b], [b, a])).toEqual({ grants: [], lostGrants: [] })
    expect(grantChange([a], [{ ...a, subdomains: true }])).toEqual({
      grants: [{ ...a, subdomains: true }],
      lostGrants: [a],
    })
  })

  it('come in parts, and only with the last of them is there a policy', () => {
    const many = Array.from({ length: 4500 }, (_, at) => grant('m365', `d${at}.example`))
    const parts = [...copyInParts({ version: 7, grants: many })]
    expect(parts.map(({ version, grants }) => [version, grants.length])).toEqual([
      [-1, 2000],
      [-1, 2000],
      [7, 500],
    ])
    expect(parts.flatMap(({ grants }) => grants)).toEqual(many)
    expect([...copyInParts({ version: 3, grants: [] })]).toMatchObject([{ version: 3, grants: [] }])
  })

  it('are reduced from customers; our own mail speaks for the operator domain if a customer owns it', () => {
    const customers = [
      {
        id: 'acme',
        domains: [
          { name: 'acme.example', includeSubdomains: true },
          { name: 'other.example', includeSubdomains: false },
        ],
        grants: [
          { source: 'm365', domains: ['acme.example', 'other.example'] },
          { source: 'idle', domains: [] },
        ],
      },
      { id: 'us', domains: [{ name: 'relay.example', includeSubdomains: false }], grants: [] },
    ]
    const granted = [grant('m365', 'acme.example', true), grant('m365', 'other.example')]
    expect([...reducePolicy(customers, 'relay.example')]).toEqual([
      ...granted,
      { customer: 'us', source: 'self', domain: 'relay.example', subdomains: false },
    ])
    expect([...reducePolicy(customers, 'mail.relay.example')]).toEqual(granted)
    expect([...reducePolicy(customers, null)]).toEqual(granted)
    expect([...reducePolicy([], 'relay.example')]).toEqual([])
  })
})
