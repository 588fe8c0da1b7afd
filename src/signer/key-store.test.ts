import { createSecretKey, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { KeyStore } from './key-store.ts'
import { newPrivateKey } from './request.fixture.ts'
import { wrapKey } from './wrapping.ts'

const wrapping = createSecretKey(randomBytes(32))
const { der } = newPrivateKey('ed25519-sha256')
const [first, second, third] = ['first', 'second', 'third'].map((selector) =>
  wrapKey(wrapping, { selector, domain: 'd', source: 's', customer: 'c', algorithm: 'ed25519-sha256' }, der),
) as [ReturnType<typeof wrapKey>, ReturnType<typeof wrapKey>, ReturnType<typeof wrapKey>]

it('keeps those keys open that were used last, and opens another again', () => {
  const store = new KeyStore(wrapping, 2)
  for (const key of [first, second, third]) store.hold(key)
  const [one, two] = [store.open(first), store.open(second)]
  expect(store.open(first)).toBe(one)
  expect(store.open(third)).not.toBeNull()
  expect(store.open(first)).toBe(one)
  const again = store.open(second)
  expect(again).not.toBe(two)
  expect(again?.equals(two as NonNullable<typeof two>)).toBe(true)
})

it('has a key that is lost no more, and opens one that comes anew from what came', () => {
  const store = new KeyStore(wrapping)
  store.hold(first)
  const opened = store.open(first)
  store.hold(first)
  expect(store.open(first)).not.toBe(opened)
  store.apply({ version: 2, grants: [], lostGrants: [], lostKeys: [{ selector: 'first', domain: 'd' }] })
  expect(store.find('first', 'd')).toBeNull()
})
