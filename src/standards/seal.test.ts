import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type SealFields, sealBytes, sealMac, sealMatches } from './seal.ts'
import { Secret } from './secret.ts'

const key = new Secret(Buffer.alloc(32, 1))
const fields: SealFields = {
  customer: 'acme',
  domain: 'acme.example',
  source: 'acme-m365',
  selector: 's1',
  policyVersion: 7,
  expiresAt: 1_764_000_000_000,
  inputHash: Buffer.alloc(32, 9),
}

test('a seal matches its own fields under its own key', () => {
  expect(sealMatches(key, fields, sealMac(key, fields))).toBe(true)
})

test('another key, a cut seal and an empty one do not match', () => {
  const mac = sealMac(key, fields)
  expect(sealMatches(new Secret(Buffer.alloc(32, 2)), fields, mac)).toBe(false)
  expect(sealMatches(key, fields, mac.subarray(0, 16))).toBe(false)
  expect(sealMatches(key, fields, Buffer.alloc(0))).toBe(false)
})

test('changing any field breaks the seal', () => {
  const mac = sealMac(key, fields)
  const changes: readonly Partial<SealFields>[] = [
    { customer: 'evil' },
    { domain: 'evil.example' },
    { source: 'evil-m365' },
    { selector: 's2' },
    { policyVersion: 8 },
    { expiresAt: fields.expiresAt + 1 },
    { inputHash: Buffer.alloc(32, 8) },
  ]
  expect(new Set(changes.flatMap(Object.keys))).toEqual(new Set(Object.keys(fields)))
  for (const change of changes) expect(sealMatches(key, { ...fields, ...change }, mac)).toBe(false)
})

test('text that moves from one field into the next gives other octets', () => {
  const texts = fc.record({
    customer: fc.string(),
    domain: fc.string(),
    source: fc.string(),
    selector: fc.string(),
  })
  fc.assert(
    fc.property(texts, fc.nat(20), (text, cut) => {
      const joined = text.customer + text.domain
      const moved = { customer: joined.slice(0, cut), domain: joined.slice(cut) }
      fc.pre(moved.customer !== text.customer)
      expect(sealBytes({ ...fields, ...text, ...moved }).equals(sealBytes({ ...fields, ...text }))).toBe(false)
    }),
    { numRuns: 200, seed: 1 },
  )
})
