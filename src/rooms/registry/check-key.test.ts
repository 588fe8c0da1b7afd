import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Dns, DnsTrouble } from '../../platform/dns.ts'
import { formatKeyRecord, publicKeyText } from '../../standards/dkim/key-record.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { checkKey } from './check-key.ts'

type Zone = { readonly [name: string]: { readonly [type: string]: readonly string[] | DnsTrouble['trouble'] } }

/** Answers from a zone: a missing name or type is proven absence, a word instead of a list is trouble. */
function dnsOf(zone: Zone): Dns & { cname: Dns['ns'] } {
  const answer = (type: string) => async (name: string) => {
    const found = zone[name]?.[type] ?? []
    return typeof found === 'string' ? { trouble: found, name } : found
  }
  return {
    txt: answer('TXT'),
    ns: answer('NS'),
    addresses: answer('A'),
    ptr: answer('PTR'),
    cname: answer('CNAME'),
    mx: async (name) => ({ trouble: 'refused', name }),
  }
}

const p = publicKeyText(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
const other = publicKeyText(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
const ed25519 = publicKeyText(generateKeyPairSync('ed25519').publicKey)
const name = 'a1-mail-r1._domainkey.acme.example'
const key = {
  domain: 'acme.example' as Domain,
  record: { name, type: 'TXT', value: formatKeyRecord('rsa-sha256', p) },
  publicKey: p,
  algorithm: 'rsa-2048',
} as const

const shown = { [name]: { TXT: [key.record.value] } }
const delegated = {
  'acme.example': { NS: ['ns1.example', 'ns2.example'] },
  'ns1.example': { A: ['192.0.2.1'] },
  'ns2.example': { A: ['192.0.2.2', '192.0.2.3'] },
}

/** The key as seen when `resolver` is the world and each server answers from its own zone. */
function look(resolver: Zone, servers: { readonly [address: string]: Zone } = {}) {
  return checkKey(dnsOf(resolver), (address) => dnsOf(servers[address] ?? { [name]: { TXT: 'timeout' } }), key)
}

describe('a zone with name servers', () => {
  test('shows the key when all of them do, whatever the resolver still believes', async () => {
    const servers = { '192.0.2.1': shown, '192.0.2.2': shown }
    expect(await look(delegated, servers)).toEqual({
      seen: true,
      gone: false,
      because: 'all 2 name servers of acme.example show it',
    })
  })

  test('hides it when one of them does, whatever the resolver says', async () => {
    const answer = await look({ ...delegated, ...shown }, { '192.0.2.1': shown, '192.0.2.2': {} })
    expect(answer).toEqual({
      seen: false,
      gone: false,
      because: `the name server ns2.example shows no TXT record at ${name}`,
    })
  })

  test('is asked at the next address of a server that is silent at one', async () => {
    expect((await look(delegated, { '192.0.2.1': shown, '192.0.2.3': shown })).seen).toBe(true)
    expect(await look(delegated, { '192.0.2.1': shown })).toEqual({
      seen: false,
      gone: false,
      because: `the name server ns2.example does not answer for ${name}: timeout`,
    })
  })

  test('is the nearest one: a delegated _domainkey, or a parent far above', async () => {
    const own = {
      ...delegated,
      '_domainkey.acme.example': { NS: ['ns3.example'] },
      'ns3.example': { A: ['192.0.2.9'] },
    }
    expect(await look(own, { '192.0.2.9': shown })).toEqual({
      seen: true,
      gone: false,
      because: 'all 1 name servers of _domainkey.acme.example show it',
    })
    const above = { example: { NS: ['ns1.example'] }, 'ns1.example': { A: ['192.0.2.1'] } }
    expect((await look(above, { '192.0.2.1': shown })).because).toBe('all 1 name servers of example show it')
  })

  test('whose servers cannot be found is not seen', async () => {
    expect(await look({ 'acme.example': { NS: 'servfail' } })).toEqual({
      seen: false,
      gone: false,
      because: 'the name servers of acme.example cannot be found out: servfail',
    })
    expect(await look({ 'acme.example': { NS: ['ns1.example'] } })).toMatchObject({
      seen: false,
      because: 'the name server ns1.example has no address',
    })
    expect(await look({ 'acme.example': { NS: ['ns1.example'] }, 'ns1.example': { A: 'timeout' } })).toMatchObject({
      seen: false,
      because: 'the address of the name server ns1.example cannot be found out: timeout',
    })
  })
})

describe('a key that is to go', () => {
  test('is gone when every server says so, not while one shows it or is silent', async () => {
    const revoked = { [name]: { TXT: ['v=DKIM1; k=rsa; p='] } }
    const gone = async (one: Zone, two: Zone) => (await look(delegated, { '192.0.2.1': one, '192.0.2.2': two })).gone
    expect(await gone({}, {})).toBe(true)
    expect(await gone(revoked, {})).toBe(true)
    expect(await gone(shown, {})).toBe(false)
    expect(await gone({}, { [name]: { TXT: 'servfail' } })).toBe(false)
  })
})

describe('through an alias', () => {
  const target = 'a1-mail-r1.acme.example.dkim.relay.example'
  const alias = { [name]: { CNAME: [target] } }
  const world = {
    ...delegated,
    'relay.example': { NS: ['ns.relay.example'] },
    'ns.relay.example': { A: ['192.0.2.7'] },
  }
  const atTarget = { [target]: { TXT: [key.record.value] } }

  test('the key is seen when those who know the target show it', async () => {
    const servers = { '192.0.2.1': alias, '192.0.2.2': alias, '192.0.2.7': atTarget }
    expect(await look(world, servers)).toEqual({
      seen: true,
      gone: false,
      because: `the name servers of acme.example lead to ${target}, and all who know that show it`,
    })
    expect(await look(world, { ...servers, '192.0.2.7': {} })).toMatchObject({ seen: false, gone: true })
  })

  test('a target without NS in sight is asked of the resolver', async () => {
    const servers = { '192.0.2.1': alias, '192.0.2.2': alias }
    expect((await look({ ...delegated, ...atTarget }, servers)).seen).toBe(true)
  })

  test('one server that does not have the alias yet hides the key', async () => {
    const servers = { '192.0.2.1': alias, '192.0.2.2': {}, '192.0.2.7': atTarget }
    expect(await look(world, servers)).toMatchObject({
      seen: false,
      because: `the name server ns2.example shows no TXT record at ${name}`,
    })
  })

  test('an underscore in the target is nothing special, and servers that lead to different names show nothing', async () => {
    const own = 'key._domainkey.other.example'
    const led = { [name]: { CNAME: [own] } }
    const there = { ...world, [own]: { TXT: [key.record.value] } }
    expect((await look(there, { '192.0.2.1': led, '192.0.2.2': led })).seen).toBe(true)
    expect(await look(there, { '192.0.2.1': led, '192.0.2.2': alias })).toMatchObject({
      seen: false,
      gone: false,
      because: 'the name servers of acme.example lead to different names',
    })
  })

  test('aliases that go round end', async () => {
    const round = { ...alias, [target]: { CNAME: [name] } }
    const servers = { '192.0.2.1': round, '192.0.2.2': round, '192.0.2.7': round }
    expect(await look(world, servers)).toMatchObject({ seen: false, gone: false })
  })
})

describe('without NS in sight the resolver’s own answer counts', () => {
  const record = (...texts: readonly string[]) => look({ [name]: { TXT: texts } })

  test('by the key, not by the text', async () => {
    expect(await record(key.record.value)).toEqual({ seen: true, gone: false, because: 'the resolver shows it' })
    expect((await record(`k=rsa;p=${p.slice(0, 40)} ${p.slice(40)} ; n=mail`)).seen).toBe(true)
    expect((await record(`v=DKIM1; t=s; h=sha1:sha256; p=${p}`)).seen).toBe(true)
  })

  test.each([
    [[], `shows no TXT record at ${name}`],
    [[`v=DKIM1; k=rsa; p=${other}`], 'shows another key'],
    [[`v=DKIM1; k=ed25519; p=${ed25519}`], 'shows another key'],
    [['v=DKIM1; k=rsa; p='], 'revokes the key'],
    [['v=spf1 -all'], 'is no key record'],
    [[`v=DKIM1; k=rsa; h=sha1; p=${p}`], 'is no key record: h= does not allow sha256'],
    [[key.record.value, key.record.value], 'shows 2 TXT records'],
  ])('%j', async (texts, because) => {
    const answer = await record(...texts)
    expect([answer.seen, answer.gone]).toEqual([false, true])
    expect(answer.because).toContain(because)
  })

  test('trouble is not absence, and not presence either', async () => {
    expect(await look({ [name]: { TXT: 'servfail' } })).toEqual({
      seen: false,
      gone: false,
      because: `the resolver does not answer for ${name}: servfail`,
    })
  })

  test('an Ed25519 key is compared as such', async () => {
    const mine = { ...key, algorithm: 'ed25519', publicKey: ed25519 } as const
    const at = (text: string) => checkKey(dnsOf({ [name]: { TXT: [text] } }), () => dnsOf({}), mine)
    expect((await at(formatKeyRecord('ed25519-sha256', ed25519))).seen).toBe(true)
    expect((await at(`v=DKIM1; p=${ed25519}`)).seen).toBe(false)
  })
})
