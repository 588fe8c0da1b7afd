import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import { buildDsn, readDsn } from './index.ts'

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed
}

const message = (...lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'), 'latin1')

describe('readDsn', () => {
  it('reads what we write', () => {
    const built = buildDsn({
      hostname: 'relay.example.net',
      operatorDomain: domain('example.net'),
      to: { localPart: 'alice', domain: domain('acme.example') },
      messageId: 'id1@relay.example.net',
      boundary: 'b0undary',
      at: 0,
      arrivedAt: 0,
      envid: 'QQ7',
      recipients: [
        {
          mailbox: { localPart: 'd\u00f6rte', domain: domain('dest.example') },
          orcpt: null,
          action: 'failed',
          status: '5.1.1',
          remoteMta: 'mx.dest.example',
          diagnostic: '550 5.1.1 no such user',
          fromRemote: true,
          lastAttempt: null,
          willRetryUntil: null,
        },
      ],
      original: {
        header: Buffer.from('From: a@acme.example\r\nMessage-ID: <1@acme.example>\r\n'),
        body: null,
        smtputf8: true,
      },
    })
    const read = readDsn(Buffer.concat([built.header, Buffer.from('\r\n'), ...built.body]))
    expect(read).toMatchObject({
      form: 'fields',
      envid: 'QQ7',
      reportingMta: 'relay.example.net',
      recipients: [
        {
          final: 'd\u00f6rte@dest.example',
          action: 'failed',
          status: '5.1.1',
          remoteMta: 'mx.dest.example',
          diagnostic: '550 5.1.1 no such user',
        },
      ],
    })
    expect(read?.returned?.fields.get('message-id')).toEqual(['<1@acme.example>'])
  })

  it("reads qmail's words", () => {
    const read = readDsn(
      message(
        'From: MAILER-DAEMON@mx.dest.example',
        'To: token@bounce.acme.example',
        'Subject: failure notice',
        '',
        'Hi. This is the qmail-send program at mx.dest.example.',
        "I'm afraid I wasn't able to deliver your message to the following addresses.",
        "This is a permanent error; I've given up. Sorry it didn't work out.",
        '',
        '<bob@dest.example>:',
        'Sorry, no mailbox here by that name. (#5.1.1)',
        '',
        '--- Below this line is a copy of the message.',
        '',
        'Return-Path: <token@bounce.acme.example>',
        'From: alice@acme.example',
        'Message-ID: <1@acme.example>',
        '',
        'text',
      ),
    )
    expect(read?.recipients).toMatchObject([{ final: 'bob@dest.example', action: 'failed', status: '5.1.1' }])
    expect(read?.returned?.fields.get('return-path')).toEqual(['<token@bounce.acme.example>'])
  })

  it("reads Exim's words", () => {
    const read = readDsn(
      message(
        'From: Mail Delivery System <Mailer-Daemon@mx.dest.example>',
        'To: token@bounce.acme.example',
        'X-Failed-Recipients: bob@dest.example',
        'Auto-Submitted: auto-replied',
        'Subject: Mail delivery failed: returning message to sender',
        '',
        'This message was created automatically by mail delivery software.',
        '',
        '  bob@dest.example',
        '    host mx2.dest.example [192.0.2.1]',
        '    SMTP error from remote mail server after RCPT TO:<bob@dest.example>:',
        '    550 5.2.1 mailbox disabled',
        '',
        '------ This is a copy of the message, including all the headers. ------',
        '',
        'Return-path: <token@bounce.acme.example>',
        'Message-Id: <1@acme.example>',
        'From: alice@acme.example',
        '',
        'text',
      ),
    )
    expect(read?.recipients).toMatchObject([{ final: 'bob@dest.example', status: '5.2.1' }])
    expect(read?.recipients[0]?.diagnostic).toContain('550 5.2.1 mailbox disabled')
    expect(read?.returned?.fields.get('message-id')).toEqual(['<1@acme.example>'])
  })

  it('takes no automatic answer and no letter of a person for a report', () => {
    const away = ['From: Bob <bob@dest.example>', 'Subject: Out of office', 'Auto-Submitted: auto-replied', '']
    expect(readDsn(message(...away, 'I am back on the 550th day, write to my mailbox then.'))).toBeNull()
    expect(readDsn(message('From: postmaster@dest.example', 'Subject: hello', '', 'All is well here.'))).toBeNull()
    expect(readDsn(Buffer.alloc(0))).toBeNull()
  })

  it('never throws, and takes its time in proportion', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (octets) => void readDsn(Buffer.from(octets))))
    for (const piece of [
      '--b\n',
      'a@b.c ',
      '<',
      '=\n',
      ' \n',
      'Final-Recipient: rfc822;a@b.c\nAction: failed\n\n',
      '\t',
      '550 ',
    ]) {
      const head =
        'From: mailer-daemon@x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n'
      const began = performance.now()
      readDsn(Buffer.from(`${head}Content-Type: message/delivery-status\n\n${piece.repeat(400_000 / piece.length)}`))
      readDsn(Buffer.from(`${head}\n${piece.repeat(400_000 / piece.length)}`))
      expect(performance.now() - began, JSON.stringify(piece)).toBeLessThan(2000)
    }
  })
})
