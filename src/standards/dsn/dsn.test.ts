import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { fieldValue, fieldsNamed, scanHeaderSection } from '../message/header-section.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import type { Mailbox } from '../names/mailbox.ts'
import { buildDsn } from './build.ts'
import type { DsnRecipient, DsnReport } from './report.ts'

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed
}

function mailbox(localPart: string, at: string): Mailbox {
  return { localPart, domain: domain(at) }
}

const failed: DsnRecipient = {
  mailbox: mailbox('bob', 'dest.example'),
  orcpt: 'rfc822;bob+2Bwork@dest.example',
  action: 'failed',
  status: '5.1.1',
  remoteMta: 'mx.dest.example',
  diagnostic: '550 5.1.1 no such user',
  fromRemote: true,
  lastAttempt: Date.UTC(2026, 10, 24, 9, 0, 0),
  willRetryUntil: null,
}

const report: DsnReport = {
  hostname: 'relay.example.net',
  operatorDomain: domain('example.net'),
  to: mailbox('alice', 'acme.example'),
  messageId: 'id1@relay.example.net',
  boundary: 'b0undary',
  at: Date.UTC(2026, 10, 24, 9, 0, 1),
  arrivedAt: Date.UTC(2026, 10, 24, 8, 59, 59),
  envid: 'QQ314159',
  recipients: [failed],
  original: {
    header: Buffer.from('From: alice@acme.example\r\nMessage-ID: <orig@acme.example>\r\nSubject: hi\r\n'),
    body: null,
    smtputf8: false,
  },
}

function build(changes: Partial<DsnReport> = {}) {
  const built = buildDsn({ ...report, ...changes })
  const section = scanHeaderSection(built.header)
  if (isSyntaxFault(section)) throw new Error(section.reason)
  const value = (name: string) => fieldsNamed(section, name).map((field) => fieldValue(section, field))
  const text = Buffer.concat([...built.body]).toString('latin1')
  return { ...built, value, text, parts: text.split('--b0undary\r\n').slice(1) }
}

/** A part's content: decoded when it is base64. */
function content(part: string | undefined): string {
  const [head = '', ...rest] = (part ?? '').split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  return head.includes('base64') ? Buffer.from(body.replace(/--b0undary--/, ''), 'base64').toString('utf8') : body
}

describe('buildDsn', () => {
  it('names itself as RFC 3464 and RFC 3834 ask', () => {
    const { value, eightBit, smtputf8 } = build()
    expect(value('from')).toEqual(['MAILER-DAEMON <postmaster@example.net>'])
    expect(value('to')).toEqual(['<alice@acme.example>'])
    expect(value('auto-submitted')).toEqual(['auto-replied'])
    expect(value('content-type')).toEqual(['multipart/report; report-type=delivery-status; boundary="b0undary"'])
    expect(value('date')).toEqual(['Tue, 24 Nov 2026 09:00:01 +0000'])
    expect(value('message-id')).toEqual(['<id1@relay.example.net>'])
    expect(value('in-reply-to')).toEqual(['<orig@acme.example>'])
    expect([eightBit, smtputf8]).toEqual([false, false])
  })

  it('writes the machine part field by field', () => {
    const { parts } = build()
    expect(parts[1]).toBe(
      [
        'Content-Type: message/delivery-status',
        '',
        'Original-Envelope-Id: QQ314159',
        'Reporting-MTA: dns; relay.example.net',
        'Arrival-Date: Tue, 24 Nov 2026 08:59:59 +0000',
        '',
        'Original-Recipient: rfc822; bob+work@dest.example',
        'Final-Recipient: rfc822; bob@dest.example',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; mx.dest.example',
        'Diagnostic-Code: smtp; 550 5.1.1 no such user',
        'Last-Attempt-Date: Tue, 24 Nov 2026 09:00:00 +0000',
        '',
        '',
      ].join('\r\n'),
    )
  })

  it('says in words what happened and what to do', () => {
    const { parts } = build()
    expect(parts[0]).toContain('<bob@dest.example>')
    expect(parts[0]).toContain('The server mx.dest.example said: 550 5.1.1 no such user')
    expect(parts[0]).toContain('check the address for typing errors')
  })

  it('says until when it goes on trying', () => {
    const until = Date.UTC(2026, 10, 29, 9, 0, 0)
    const { parts, value } = build({
      recipients: [{ ...failed, action: 'delayed', status: '4.4.1', willRetryUntil: until }],
    })
    expect(value('subject')).toEqual(['Delayed mail: your message is still being tried'])
    expect(parts[0]).toContain('nothing for now')
    expect(parts[1]).toContain('Will-Retry-Until: Sun, 29 Nov 2026 09:00:00 +0000\r\n')
  })

  it('keeps recipients of different fates apart', () => {
    const { parts, value } = build({ recipients: [{ ...failed, action: 'relayed', status: '2.0.0' }, failed] })
    expect(value('subject')).toEqual(['Undelivered mail: your message was not delivered'])
    expect(parts[0]).toContain('could NOT be delivered')
    expect(parts[0]).toContain('gives no delivery reports')
    expect(parts[1]?.match(/^Action: /gm)).toHaveLength(2)
  })

  it('returns the header section alone or the whole message', () => {
    expect(build().parts[2]).toContain('Content-Type: text/rfc822-headers\r\n\r\nFrom: alice@acme.example\r\n')
    const whole = build({ original: { ...report.original, body: [Buffer.from('one\r\n'), Buffer.from('two\r\n')] } })
    expect(whole.parts[2]).toContain('Content-Type: message/rfc822\r\n\r\nFrom: alice')
    expect(whole.parts[2]).toContain('Subject: hi\r\n\r\none\r\ntwo\r\n')
  })

  it('marks 8-bit content that it returns', () => {
    const whole = build({ original: { ...report.original, body: [Buffer.from('gr\u00fc\u00dfe\r\n')] } })
    expect(whole.parts[2]).toContain('Content-Transfer-Encoding: 8bit\r\n')
    expect([whole.eightBit, whole.smtputf8]).toEqual([true, false])
  })

  it('uses the parts of RFC 6533 for UTF-8 addresses, in base64', () => {
    const { parts, value, eightBit, smtputf8 } = build({
      recipients: [{ ...failed, mailbox: mailbox('d\u00f6rte', 'dest.example') }],
      original: { ...report.original, smtputf8: true },
    })
    expect(value('content-type')[0]).toContain('report-type=global-delivery-status')
    expect(content(parts[0])).toContain('<d\u00f6rte@dest.example>')
    expect(parts[1]).toContain('Content-Type: message/global-delivery-status\r\n')
    expect(content(parts[1])).toContain('Final-Recipient: utf-8; d\u00f6rte@dest.example\r\n')
    expect(parts[2]).toContain('Content-Type: message/global-headers\r\n')
    expect([eightBit, smtputf8]).toEqual([false, false])
  })

  it('asks for SMTPUTF8 when the address that it goes to needs it', () => {
    const { smtputf8, value } = build({ to: mailbox('\u00e4gnes', 'acme.example') })
    expect(smtputf8).toBe(true)
    expect(value('to')).toEqual(['<\u00e4gnes@acme.example>'])
  })

  it('lets nothing that a peer said break its lines or its octets', () => {
    const hostile = `550 a\r\nStatus: 2.0.0\r\n\r\n--b0undary--\0\u00e9${'x'.repeat(3000)}`
    const { parts, text } = build({
      envid: 'x+0D+0AAction:+20delivered',
      recipients: [{ ...failed, orcpt: 'rfc822;a+0D+0AStatus:+202.0.0', diagnostic: hostile, remoteMta: 'mx\r\nX: y' }],
    })
    expect(parts[1]?.match(/^Status: /gm)).toEqual(['Status: '])
    expect(parts[1]).not.toMatch(/^(?:Original|X:|Action: delivered)/m)
    expect(text.replace(/\r\n/g, '')).not.toMatch(/[\r\n\0]|[^\x20-\x7e]/)
    expect(text.match(/^--b0undary/gm)).toHaveLength(4)
  })

  it('repeats a Message-ID only when there is one and it is safe to', () => {
    const header = (id: string) => ({ ...report.original, header: Buffer.from(`From: a@acme.example\r\n${id}`) })
    expect(build({ original: header('') }).value('in-reply-to')).toEqual([])
    expect(build({ original: header('Message-ID: <a>\r\nMessage-ID: <b>\r\n') }).value('in-reply-to')).toEqual([])
    expect(build({ original: header('Message-ID: a b\r\n') }).value('in-reply-to')).toEqual([])
  })
})
