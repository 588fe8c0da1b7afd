import { describe, expect, it } from 'vitest'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Destination } from '../routing/route.ts'
import type { Resolution } from '../routing/targets.ts'
import { siteOf } from './site.ts'

const mx = (domain: string): Destination => ({
  key: `mx:${domain}`,
  tls: 'opportunistic',
  kind: 'mx',
  domain: domain as Domain,
})
const servers = (...exchanges: string[]): Resolution => ({ kind: 'targets', targets: [], exchanges })

describe('siteOf', () => {
  it('is the same for all domains of the same servers, in whatever order and writing DNS gives them', () => {
    const one = siteOf(mx('one.example'), servers('B.mx.example', 'a.mx.example.', 'a.mx.example'))
    expect(one).toBe('a.mx.example,b.mx.example')
    expect(siteOf(mx('two.example'), servers('a.mx.example', 'b.mx.example'))).toBe(one)
    expect(siteOf(mx('three.example'), servers('a.mx.example'))).not.toBe(one)
    expect(siteOf(mx('evil.example'), servers('a.mx.example,b.mx.example'))).not.toBe(one)
  })

  it('is the domain where it is its own server, and while it is not known', () => {
    expect(siteOf(mx('self.example'), servers())).toBe('self.example')
    expect(siteOf(mx('away.example'), { kind: 'unresolved', status: '4.4.3', text: '' })).toBe('away.example')
  })

  it('is the host and port of a route', () => {
    const route = { key: 'k', tls: 'off', kind: 'host', port: 2525 } as const
    expect(siteOf({ ...route, host: 'Hub.example' }, servers())).toBe('hub.example:2525')
    expect(siteOf({ ...route, host: '::1' }, servers())).toBe('[::1]:2525')
  })

  it('stays short, and tells long lists apart', () => {
    const many = Array.from({ length: 60 }, (_, at) => `mx${at}.servers.example`)
    const long = siteOf(mx('a.example'), servers(...many))
    expect(long.length).toBeLessThan(260)
    expect(siteOf(mx('a.example'), servers(...many.slice(1)))).not.toBe(long)
  })
})
