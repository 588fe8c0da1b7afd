import { describe, expect, test } from 'vitest'
import type { Dns, DnsTrouble } from '../../platform/dns.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { lookForProof } from './check-proof.ts'

type Zone = { readonly [name: string]: { readonly [type: string]: readonly string[] | DnsTrouble['trouble'] } }

/** Answers from a zone: a missing name or type is proven absence, a word instead of a list is trouble. */
function dnsOf(zone: Zone): Dns {
  const answer = (type: string) => async (name: string) => {
    const found = zone[name]?.[type] ?? []
    return typeof found === 'string' ? { trouble: found, name } : found
  }
  const dns = { txt: answer('TXT'), ns: answer('NS'), addresses: answer('A'), ptr: answer('PTR') }
  return { ...dns, mx: async (name: string) => ({ trouble: 'refused', name }) } as unknown as Dns
}

const name = '_anechoic-challenge.acme.example'
const token = 'ab'.repeat(20)
const record = `anechoic-challenge=${token}`
const txt = (...texts: readonly string[]): Zone => ({ [name]: { TXT: texts } })
const delegated = {
  'acme.example': { NS: ['ns1.example', 'ns2.example'] },
  'ns1.example': { A: ['192.0.2.1'] },
  'ns2.example': { A: ['192.0.2.2'] },
}

/** What a look comes to when the resolver and each server answer from their own zones; a server without one is silent. */
async function look(resolver: Zone, first?: Zone, second?: Zone): Promise<string> {
  const silent = { [name]: { TXT: 'timeout' } } as const
  const zones: { readonly [address: string]: Zone | undefined } = { '192.0.2.1': first, '192.0.2.2': second }
  const looked = await lookForProof(dnsOf(resolver), (address) => dnsOf(zones[address] ?? silent), {
    domain: 'acme.example' as Domain,
    token,
  })
  return `${looked.answer}: ${looked.because}`
}

describe('where name servers are in sight', () => {
  test.each([
    ['all show it', txt(record), txt(record), 'seen: the name servers of acme.example show it'],
    ['one is silent and the other shows it', txt(record), undefined, 'seen: the name servers of acme.example show it'],
    ['another text stands beside it', txt('anechoic-challenge=other', record), txt(record), /^seen/],
    ['none has a record', {}, {}, `absent: the name server ns1.example shows no TXT record at ${name}`],
    ['they show the token of another', txt('anechoic-challenge=other'), txt('anechoic-challenge=other'), /^absent/],
    ['one has it and one has not', txt(record), {}, /^trouble: the name server ns2\.example does not show it/],
    [
      'one has nothing and the other is silent',
      {},
      undefined,
      /^trouble: the name server ns2\.example does not answer/,
    ],
    ['both are silent', undefined, undefined, /^trouble: the name server ns1\.example does not answer/],
    ['the token is part of a longer text', txt(`x${record}`), txt(`${record}00`), /^absent/],
  ] as const)('%s', async (_, first, second, wanted) => {
    expect(await look({ ...delegated, ...txt(record) }, first, second)).toEqual(
      typeof wanted === 'string' ? wanted : expect.stringMatching(wanted),
    )
  })
})

describe('where none is', () => {
  test.each([
    ['the resolver shows it', txt(record), 'seen: the resolver shows it'],
    ['it shows nothing', {}, `absent: the resolver shows no TXT record at ${name}`],
    ['it fails', { [name]: { TXT: 'servfail' } }, `trouble: the resolver does not answer for ${name}: servfail`],
    ['the zone cannot be found', { 'acme.example': { NS: 'timeout' } }, /^trouble: the name servers of acme\.example/],
  ] as const)('%s', async (_, zone, wanted) => {
    expect(await look(zone)).toEqual(typeof wanted === 'string' ? wanted : expect.stringMatching(wanted))
  })
})
