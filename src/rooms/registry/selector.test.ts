import fc from 'fast-check'
import { expect, test } from 'vitest'
import { selectorFor } from './selector.ts'

const id = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/)

test('says source, algorithm and generation', () => {
  expect(selectorFor('acme-m365', 'rsa-sha256', 1)).toBe('a1-acme-m365-r1')
  expect(selectorFor('acme-m365', 'ed25519-sha256', 12)).toBe('a1-acme-m365-e12')
})

test('is one label of at most 40 characters, and differs where source, algorithm or generation do', () => {
  fc.assert(
    fc.property(id, id, fc.integer({ min: 1, max: 9999 }), (one, other, generation) => {
      const selector = selectorFor(one, 'rsa-sha256', generation)
      expect(selector).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])$/)
      expect(selector === selectorFor(other, 'rsa-sha256', generation)).toBe(one === other)
      expect(selector).not.toBe(selectorFor(one, 'ed25519-sha256', generation))
      expect(selector).not.toBe(selectorFor(one, 'rsa-sha256', generation + 1))
    }),
  )
})

test('long sources that begin alike stay apart', () => {
  const [one, other] = [`${'a'.repeat(39)}b`, `${'a'.repeat(39)}c`]
  expect(selectorFor(one, 'rsa-sha256', 1)).not.toBe(selectorFor(other, 'rsa-sha256', 1))
})
