import { readArf } from '../../../src/standards/arf/index.ts'
import { readDsn } from '../../../src/standards/dsn/index.ts'
import { type Target, must } from '../target.ts'

/** What comes back about our mail: anybody may send it. */
export const reports: Target = {
  name: 'reports',
  weight: 6,
  longest: 30_000,
  seeds: [
    'From: MAILER-DAEMON@x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <t@c.example>\r\nMessage-ID: <1@c.example>\r\n\r\ntext\r\n--b--\r\n',
    'From: f@x\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\nContent-Transfer-Encoding: base64\r\n\r\nRmVlZGJhY2stVHlwZTogYWJ1c2UNCg==\r\n--b\r\nContent-Type: text/rfc822-header\r\n\r\nFrom: a@c.example\r\n--b--\r\n',
    'From: MAILER-DAEMON@x\r\nSubject: failure notice\r\n\r\n<a@b.example>:\r\nno mailbox (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <t@c.example>\r\n',
    'X-Failed-Recipients: a@b.example\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n550 5.2.1 no=\r\n more\r\n------ This is a copy of the message\r\n',
  ],
  words: [
    '--b',
    '--b--',
    'Content-Type: ',
    'multipart/mixed; boundary=b',
    '\r\n\r\n',
    'Action: failed',
    '5.1.1',
    '=\r\n',
    ';',
  ],
  check(input) {
    const dsn = readDsn(input)
    must(dsn === null || dsn.recipients.length > 0, 'a report is about somebody')
    for (const one of dsn?.recipients ?? []) {
      must((one.final ?? one.original ?? '').length <= 320, 'an address is no longer than one can be')
      must((one.diagnostic ?? '').length <= 1000, 'words are cut')
      must(one.status === null || /^[245]\.\d{1,3}\.\d{1,3}$/.test(one.status), 'a status is one')
    }
    const arf = readArf(input)
    must(arf === null || /^[a-z0-9-]{1,40}$/.test(arf.feedbackType), 'a feedback type is a word')
    must((arf?.originalRcptTo.length ?? 0) <= 100, 'no list is without end')
  },
}
