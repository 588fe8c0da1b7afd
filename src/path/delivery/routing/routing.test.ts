import { describe, expect, it } from 'vitest'
import type { Dns, DnsTrouble, MxRecord } from '../../../platform/dns.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Domain, parseDomain } from '../../../standards/names/domain.ts'
import { expandListeners } from './own-listeners.ts'
import { routeTable } from './route.ts'
import { type ResolveOptions, resolveTargets } from './targets.ts'

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed
}

const trouble: DnsTrouble = { trouble: 'timeout', name: 'x' }

type Zone = {
  readonly mx?: { [name: string]: readonly MxRecord[] | DnsTrouble }
  readonly a?: { [name: string]: readonly string[] | DnsTrouble }
  readonly aaaa?: { [name: string]: readonly string[] | DnsTrouble }
}

function zoneDns(zone: Zone): Dns {
  return {
    txt: async () => [],
    ptr: async () => [],
    ns: async () => [],
    mx: async (name) => zone.mx?.[name] ?? [],
    addresses: async (name, family) => (family === 6 ? zone.aaaa : zone.a)?.[name] ?? [],
  }
}

function resolve(zone: Zone, changes: Partial<ResolveOptions> = {}) {
  const destination = routeTable({ routes: [] }).destinationOf(domain('dest.example'))
  return resolveTargets(destination, {
    dns: zoneDns(zone),
    port: 25,
    hostname: 'relay.example',
    ownListeners: [],
    random: () => 0.5,
    ...changes,
  })
}

const at = (name: string, address: string, port = 25) => ({ name, address, port })

describe('routeTable', () => {
  const table = routeTable({
    routes: [
      { domain: '*', host: 'all.example', port: 1, tls: 'off' },
      { domain: '*.sub.example', host: 'near.example', port: 2, tls: 'off' },
      { domain: '*.example', host: 'far.example', port: 3, tls: 'off' },
      { domain: 'One.example', host: 'one.example', port: 4, tls: 'required' },
    ],
  })

  it.each([
    ['one.example', 'host:one.example:4/required'],
    ['a.b.sub.example', 'host:near.example:2/off'],
    ['sub.example', 'host:far.example:3/off'],
    ['example', 'host:all.example:1/off'],
    ['other.test', 'host:all.example:1/off'],
  ])('sends %s to %s', (name, key) => {
    expect(table.destinationOf(domain(name)).key).toBe(key)
  })

  it('asks DNS where no route says otherwise', () => {
    expect(routeTable({ routes: [] }).destinationOf(domain('a.example'))).toEqual({
      key: 'mx:a.example',
      tls: 'opportunistic',
      kind: 'mx',
      domain: 'a.example',
    })
  })
})

describe('expandListeners', () => {
  it('knows the addresses behind a wildcard and behind localhost', () => {
    const all = expandListeners([
      { address: '0.0.0.0', port: 25 },
      { address: 'localhost', port: 26 },
      { address: '192.0.2.1', port: 27 },
    ])
    expect(all).toContainEqual({ address: '127.0.0.1', port: 25 })
    expect(all).toContainEqual({ address: '::1', port: 26 })
    expect(all).toContainEqual({ address: '192.0.2.1', port: 27 })
    expect(all.some((one) => one.port === 25 && one.address.includes(':'))).toBe(false)
  })
})

describe('resolveTargets', () => {
  it('orders servers by preference and draws lots among equals', async () => {
    const zone = {
      mx: {
        'dest.example': [
          { preference: 20, exchange: 'c.example' },
          { preference: 10, exchange: 'a.example' },
          { preference: 10, exchange: 'b.example' },
        ],
      },
      a: { 'a.example': ['192.0.2.1'], 'b.example': ['192.0.2.2'], 'c.example': ['192.0.2.3'] },
      aaaa: { 'a.example': ['2001:db8::1'] },
    }
    const draw = (lots: number[]) => resolve(zone, { random: () => lots.shift() ?? 0 })
    expect(await draw([0, 0.1, 0.2])).toMatchObject({
      kind: 'targets',
      targets: [
        at('a.example', '192.0.2.1'),
        at('a.example', '2001:db8::1'),
        at('b.example', '192.0.2.2'),
        at('c.example', '192.0.2.3'),
      ],
    })
    expect(await draw([0, 0.9, 0.2])).toMatchObject({
      targets: [{ name: 'b.example' }, { name: 'a.example' }, { name: 'a.example' }, { name: 'c.example' }],
    })
  })

  it('takes the domain itself where there is no MX', async () => {
    expect(await resolve({ a: { 'dest.example': ['192.0.2.9'] } })).toMatchObject({
      kind: 'targets',
      targets: [at('dest.example', '192.0.2.9')],
    })
  })

  it.each<[string, Zone, object]>([
    [
      'a null MX',
      { mx: { 'dest.example': [{ preference: 0, exchange: '' }] }, a: { 'dest.example': ['192.0.2.9'] } },
      { kind: 'undeliverable', status: '5.1.10' },
    ],
    ['nothing at all', {}, { kind: 'undeliverable', status: '5.1.2' }],
    [
      'servers without addresses',
      { mx: { 'dest.example': [{ preference: 1, exchange: 'a.example' }] } },
      { kind: 'undeliverable', status: '5.4.4' },
    ],
    [
      'trouble with MX',
      { mx: { 'dest.example': trouble }, a: { 'dest.example': ['192.0.2.9'] } },
      { kind: 'unresolved', status: '4.4.3' },
    ],
    [
      'trouble with the only address',
      { mx: { 'dest.example': [{ preference: 1, exchange: 'a.example' }] }, a: { 'a.example': trouble } },
      { kind: 'unresolved', status: '4.4.3' },
    ],
    [
      'trouble in one family alone',
      { a: { 'dest.example': ['192.0.2.9'] }, aaaa: { 'dest.example': trouble } },
      { kind: 'targets' },
    ],
  ])('answers %s', async (_, zone, answer) => {
    expect(await resolve(zone)).toMatchObject(answer)
  })

  describe('when we are among the servers', () => {
    const zone = {
      mx: {
        'dest.example': [
          { preference: 5, exchange: 'best.example' },
          { preference: 10, exchange: 'relay.example' },
          { preference: 10, exchange: 'equal.example' },
          { preference: 20, exchange: 'worse.example' },
        ],
      },
      a: {
        'best.example': ['192.0.2.1'],
        'relay.example': ['192.0.2.2'],
        'equal.example': ['192.0.2.3'],
        'worse.example': ['192.0.2.4'],
      },
    }

    it('goes only to those preferred to us', async () => {
      expect(await resolve(zone)).toMatchObject({ kind: 'targets', targets: [at('best.example', '192.0.2.1')] })
    })

    it('knows itself by its listeners too, and by address and port together', async () => {
      const listening = (port: number) =>
        resolve(zone, { hostname: 'other.name', ownListeners: [{ address: '192.0.2.1', port }] })
      expect(await listening(25)).toMatchObject({ kind: 'undeliverable', status: '5.4.6' })
      expect(await listening(2525)).toMatchObject({ kind: 'targets' })
    })

    it('waits when the better ones could not be looked up', async () => {
      expect(await resolve({ ...zone, a: { ...zone.a, 'best.example': trouble } })).toMatchObject({
        kind: 'unresolved',
      })
    })
  })

  it('follows a route to an address, a name or localhost, and never to itself', async () => {
    const to = (host: string, port: number, zone: Zone = {}) =>
      resolveTargets(
        routeTable({ routes: [{ domain: '*', host, port, tls: 'off' }] }).destinationOf(domain('any.example')),
        {
          dns: zoneDns(zone),
          port: 25,
          hostname: 'relay.example',
          ownListeners: [{ address: '127.0.0.1', port: 2525 }],
          random: () => 0,
        },
      )
    expect(await to('192.0.2.5', 2526)).toMatchObject({
      kind: 'targets',
      targets: [at('192.0.2.5', '192.0.2.5', 2526)],
    })
    expect(await to('hub.example', 24, { a: { 'hub.example': ['192.0.2.6'] } })).toMatchObject({
      kind: 'targets',
      targets: [at('hub.example', '192.0.2.6', 24)],
    })
    expect(await to('localhost', 2526)).toMatchObject({ targets: [{ address: '127.0.0.1' }, { address: '::1' }] })
    expect(await to('hub.example', 24)).toMatchObject({ kind: 'unresolved', status: '4.4.4' })
    expect(await to('127.0.0.1', 2525)).toMatchObject({ kind: 'unresolved', status: '4.4.6' })
  })
})
