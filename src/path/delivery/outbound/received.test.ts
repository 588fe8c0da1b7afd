import { describe, expect, it } from 'vitest'
import { mailbox } from '../../decision/testing/evidence.ts'
import type { StoredMessage } from '../../custody/custody.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { scanHeaderSection } from '../../../standards/message/header-section.ts'
import { receivedField } from './received.ts'

const arrival = {
  at: Date.UTC(2026, 10, 24, 9, 0, 0),
  client: '40.107.1.1',
  greeting: 'NAM12.outbound.protection.outlook.com',
  protocol: 'ESMTPS',
  tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
} as const

function field(
  changes: { readonly arrival?: object; readonly smtputf8?: boolean; readonly to?: readonly string[] } = {},
) {
  const message = {
    id: '0000000000000042',
    envelope: { smtputf8: changes.smtputf8 ?? false, arrival: { ...arrival, ...changes.arrival } },
    recipients: (changes.to ?? ['bob@dest.example']).map((one) => ({ mailbox: mailbox(one) })),
  } as unknown as StoredMessage
  const bytes = receivedField(message, 'relay.example.net')
  const section = scanHeaderSection(bytes)
  if (isSyntaxFault(section)) throw new Error(section.reason)
  expect(section.fields.map((one) => [one.name, one.malformed])).toEqual([['received', null]])
  return bytes.toString('utf8')
}

describe('receivedField', () => {
  it('tells the arrival', () => {
    expect(field()).toBe(
      [
        'Received: from nam12.outbound.protection.outlook.com ([40.107.1.1])',
        '\t(using TLSv1.3 TLS_AES_256_GCM_SHA384)',
        '\tby relay.example.net (Anechoic) with ESMTPS id 0000000000000042',
        '\tfor <bob@dest.example>;',
        '\tTue, 24 Nov 2026 09:00:00 +0000',
        '',
      ].join('\r\n'),
    )
  })

  it('names no recipient beside others', () => {
    expect(field({ to: ['bob@dest.example', 'carol@dest.example'] })).not.toContain('for <')
  })

  it('writes IPv6 literals as RFC 5321 does', () => {
    expect(field({ arrival: { client: '2001:db8::1', greeting: '[IPv6:2001:db8::1]' } })).toContain(
      'from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])',
    )
  })

  it('has nobody as its client for mail of our own', () => {
    expect(field({ arrival: { protocol: 'local', tls: null } })).toMatch(
      /^Received: by relay\.example\.net \(Anechoic\) with local id 0000000000000042\r\n/,
    )
  })

  it.each(['evil\r\nX-OriginatorOrg: acme.example', 'a (b', '', 'x y', '[a\r\nb]', '\u0000'])(
    'repeats no greeting that is none: %j',
    (greeting) => {
      expect(field({ arrival: { greeting } })).toContain('from [40.107.1.1] (greeting malformed)')
    },
  )

  it('repeats nothing of TLS that could leave the comment', () => {
    expect(field({ arrival: { tls: 'TLSv1.3)\r\nEvil: (yes' } })).toContain('(using TLSv1.3Evil: yes)')
  })

  it('names a UTF-8 recipient only where UTF-8 may stand', () => {
    expect(field({ to: ['d\u00f6rte@dest.example'] })).not.toContain('for <')
    expect(field({ to: ['d\u00f6rte@dest.example'], smtputf8: true })).toContain('for <d\u00f6rte@dest.example>')
  })
})
