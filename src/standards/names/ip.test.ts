import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import {
  type IpAddress,
  type Network,
  NetworkTable,
  formatNetwork,
  networkContains,
  networksOverlap,
  parseIp,
  parseNetwork,
} from './ip.ts'

const ip = (text: string): IpAddress => {
  const parsed = parseIp(text)
  if (isSyntaxFault(parsed)) throw new Error(text)
  return parsed
}
const network = (text: string): Network => {
  const parsed = parseNetwork(text)
  if (isSyntaxFault(parsed)) throw new Error(text)
  return parsed
}

describe('parseIp', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:201', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseIp(text)).toBe(canonical)
  })

  it.each([
    '',
    '1',
    '1.2.3',
    '01.2.3.4',
    '0x1.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    'fe80::1%eth0',
    '1:2',
    ':::',
    '1.2.3.4:25',
    'g::',
    '[::1]',
  ])('refuses %j', (text) => {
    expect(isSyntaxFault(parseIp(text))).toBe(true)
  })
})

describe('parseIp and the platform', () => {
  const word = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(word, { minLength: 8, maxLength: 8 }).map((words) => words.map((one) => one.toString(16)).join(':')),
    fc.string({
      unit: fc.constantFrom(':', '::', '.', '0', '1', 'f', 'ff', '255', '1.2.3.4', 'g', '%', '/'),
      maxLength: 12,
    }),
  )
  it('agree on what an address is and how it is written', () => {
    fc.assert(
      fc.property(text, (one) => {
        const ours = parseIp(one)
        expect(isSyntaxFault(ours)).toBe(!isIP(one) || one.includes('%'))
        if (isSyntaxFault(ours) || !one.includes(':')) return
        // The URL standard writes IPv6 as RFC 5952 does.
        const written = new URL(`http://[${one}]/`).hostname.slice(1, -1)
        if (ours.includes(':')) expect(ours).toBe(written)
        else expect(new URL(`http://[::ffff:${ours}]/`).hostname.slice(1, -1)).toBe(written)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('parseNetwork', () => {
  it.each(['0.0.0.0/0', '192.0.2.0/24', '192.0.2.1', '::/0', '2001:db8::/33', '2001:db8:8000::/33', '::1'])(
    'reads %s back',
    (text) => {
      expect(formatNetwork(network(text))).toBe(text)
    },
  )
  it.each([
    '192.0.2.1/24',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/024',
    '192.0.2.0/',
    '2001:db8::1/64',
    '2001:db8::/129',
    'any',
    '*',
  ])('refuses %j', (text) => {
    expect(isSyntaxFault(parseNetwork(text))).toBe(true)
  })
})

describe('blocks', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['2001:db8:8000::/33', '2001:db8:ffff::1', true],
    ['2001:db8:8000::/33', '2001:db8:7fff::1', false],
    ['::/0', '192.0.2.1', false],
    ['2001:db8::1', '2001:db8::1', true],
  ])('%s holds %s: %s', (block, address, held) => {
    expect(networkContains(network(block), ip(address))).toBe(held)
  })

  it('overlap either way round', () => {
    expect(networksOverlap(network('10.0.0.0/8'), network('10.1.0.0/16'))).toBe(true)
    expect(networksOverlap(network('10.1.0.0/16'), network('10.0.0.0/8'))).toBe(true)
    expect(networksOverlap(network('10.0.0.0/9'), network('10.128.0.0/9'))).toBe(false)
  })
})

describe('NetworkTable', () => {
  it('answers with the longest block', () => {
    const table = new NetworkTable([
      [network('10.0.0.0/8'), 'wide'],
      [network('10.1.0.0/16'), 'narrow'],
      [network('10.1.1.1'), 'one'],
      [network('2001:db8::/32'), 'six'],
    ])
    expect(table.lookup(ip('10.2.0.1'))).toBe('wide')
    expect(table.lookup(ip('10.1.0.1'))).toBe('narrow')
    expect(table.lookup(ip('10.1.1.1'))).toBe('one')
    expect(table.lookup(ip('2001:db8:1::'))).toBe('six')
    expect(table.lookup(ip('11.0.0.1'))).toBeNull()
    expect(table.lookup(ip('2001:db9::'))).toBeNull()
  })

  it('agrees with a walk over all blocks', () => {
    const word = fc.integer({ min: 0, max: 3 })
    const four = fc.tuple(word, word, word, word).map((parts) => parts.join('.'))
    const six = fc.tuple(word, word, word).map(([a, b, c]) => `2001:${a}:${b}::${c}`)
    const address = fc.oneof(four, six).map(ip)
    const block = fc.tuple(address, fc.nat(128)).map(([base, bits]): Network | null => {
      const prefix = bits % (base.includes(':') ? 129 : 33)
      const parsed = parseNetwork(`${base}/${prefix}`)
      return isSyntaxFault(parsed) ? null : parsed
    })
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), address, (blocks, wanted) => {
        const all = blocks.filter((one) => one !== null)
        const table = new NetworkTable(all.map((one) => [one, formatNetwork(one)] as const))
        const holding = all.filter((one) => networkContains(one, wanted)).sort((x, y) => y.prefix - x.prefix)
        expect(table.lookup(wanted)).toBe(holding[0] === undefined ? null : formatNetwork(holding[0]))
      }),
    )
  })
})
