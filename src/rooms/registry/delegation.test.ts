import { expect, test } from 'vitest'
import type { Domain } from '../../standards/names/domain.ts'
import { delegationOf, ourZoneFile, ownersZoneFile } from './delegation.ts'
import type { KeyListing } from './key-listing.ts'

const zone = 'dkim.relay.example' as Domain
const acme = 'acme.example' as Domain

function key(selector: string, state: KeyListing['state'], more: Partial<KeyListing> = {}): KeyListing {
  const value = state === 'revoked' ? 'v=DKIM1; k=rsa; p=' : `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`
  return {
    customer: 'acme',
    domain: acme,
    source: 'crm',
    selector,
    algorithm: 'rsa-2048',
    state,
    since: 0,
    record: { name: `${selector}._domainkey.acme.example`, type: 'TXT', value },
    publicKey: 'A'.repeat(392),
    createdAt: 0,
    seenAt: null,
    goneAt: null,
    ...more,
  }
}

test('a key is found under our zone by its selector and its domain', () => {
  expect(delegationOf(key('a1-crm-r1', 'active'), zone)).toEqual({
    name: 'a1-crm-r1._domainkey.acme.example',
    type: 'CNAME',
    value: 'a1-crm-r1.acme.example.dkim.relay.example',
  })
})

test('a name that would be too long is shortened, and stays apart from others', () => {
  const long = (label: string) => `${label}.${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.example` as Domain
  const [one, two] = [long('a'.repeat(40)), long('b'.repeat(40))].map((domain) =>
    delegationOf({ selector: 'a1-crm-r1', domain }, zone),
  )
  expect(one?.value).toMatch(/^a1-crm-r1\.[0-9a-f]{32}\.dkim\.relay\.example$/)
  expect(one?.value).not.toBe(two?.value)
})

test('our zone holds what must be seen, and what must be seen to be revoked', () => {
  const keys = [key('a1-crm-r1', 'retiring'), key('a1-crm-r2', 'pending'), key('old', 'retired'), key('bad', 'revoked')]
  expect(
    ourZoneFile(keys, zone)
      .split('\n')
      .map((line) => line.slice(0, 60)),
  ).toEqual([
    '; keys under dkim.relay.example',
    '$TTL 3600',
    'a1-crm-r1.acme.example.dkim.relay.example. IN TXT ( "v=DKIM1',
    'a1-crm-r2.acme.example.dkim.relay.example. IN TXT ( "v=DKIM1',
    'bad.acme.example.dkim.relay.example. IN TXT "v=DKIM1; k=rsa;',
    '',
  ])
})

test('the owner publishes both names of each source once, or the texts of the keys there are', () => {
  const other = key('a1-crm-r1', 'active', { domain: 'other.example' as Domain })
  const keys = [key('a1-crm-r1', 'active'), key('a1-crm-r2', 'pending'), other]
  expect(ownersZoneFile(keys, zone, acme, 'cname')).toBe(
    [
      '; keys of acme.example',
      '$TTL 3600',
      'a1-crm-r1._domainkey.acme.example. IN CNAME a1-crm-r1.acme.example.dkim.relay.example.',
      'a1-crm-r2._domainkey.acme.example. IN CNAME a1-crm-r2.acme.example.dkim.relay.example.',
      '',
    ].join('\n'),
  )
  const texts = ownersZoneFile(keys, zone, acme, 'txt').split('\n')
  expect(texts[2]).toMatch(/^a1-crm-r1\._domainkey\.acme\.example\. IN TXT \( "v=DKIM1; k=rsa; p=A+" "A+" \)$/)
  expect(texts).toHaveLength(5)
})
