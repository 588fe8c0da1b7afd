import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isComplaint, readArf } from './index.ts'

const message = (type: string, part: string, ...fields: readonly string[]): Buffer =>
  Buffer.from(
    [
      'From: feedback@provider.example',
      `Content-Type: multipart/report; report-type=feedback-report; boundary="b"`,
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'This is an email abuse report.',
      '--b',
      `Content-Type: ${type}`,
      '',
      ...fields,
      '',
      '--b',
      `Content-Type: ${part}`,
      '',
      'Return-Path: <token@bounce.acme.example>',
      'Message-ID: <1@acme.example>',
      '',
      'text',
      '--b--',
      '',
    ].join('\r\n'),
  )

describe('readArf', () => {
  it('reads the fields of RFC 5965', () => {
    const read = readArf(
      message(
        'message/feedback-report',
        'message/rfc822',
        'Feedback-Type: abuse',
        'User-Agent: SomeGenerator/1.0',
        'Version: 1',
        'Original-Mail-From: <token@bounce.acme.example>',
        'Original-Rcpt-To: <bob@dest.example>',
        'Source-IP: 192.0.2.1',
      ),
    )
    expect(read).toMatchObject({
      form: 'fields',
      feedbackType: 'abuse',
      originalMailFrom: 'token@bounce.acme.example',
      originalRcptTo: ['bob@dest.example'],
      sourceIp: '192.0.2.1',
    })
    expect(read?.returned?.fields.get('message-id')).toEqual(['<1@acme.example>'])
  })

  it('reads a report whose part was given another type, and a misspelt one for the message', () => {
    const read = readArf(
      message('application/octet-stream; name=ATT00001', 'text/rfc822-header', 'Feedback-Type: fraud'),
    )
    expect(read).toMatchObject({ form: 'fields', feedbackType: 'fraud' })
    expect(read?.returned?.fields.get('return-path')).toEqual(['<token@bounce.acme.example>'])
  })

  it('tells complaints from what is none', () => {
    const type = (text: string) =>
      readArf(message('message/feedback-report', 'message/rfc822', `Feedback-Type: ${text}`))
    const counted = ['abuse', 'fraud', 'virus', 'opt-out', 'not-spam', 'auth-failure', 'dkim'].filter((text) => {
      const read = type(text)
      return read !== null && isComplaint(read)
    })
    expect(counted).toEqual(['abuse', 'fraud', 'virus', 'opt-out'])
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (octets) => void readArf(Buffer.from(octets))))
  })
})
