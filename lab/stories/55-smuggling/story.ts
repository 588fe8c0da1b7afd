import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const sequences = {
  'LF . LF': '\n.\n',
  'LF . CR': '\n.\r',
  'CR . LF': '\r.\n',
  'CR . CR': '\r.\r',
  'LF . CRLF': '\n.\r\n',
  'CR . CRLF': '\r.\r\n',
  'CRLF NUL . CRLF': '\r\n\0.\r\n',
  'CRLF . LF': '\r\n.\n',
  'CRLF . CR': '\r\n.\r',
  'a NUL alone': 'a\0b',
  'a bare CR alone': 'a\rb',
  'a bare LF alone': 'a\nb',
}

function smuggled(recipient: string): string {
  return [
    'MAIL FROM:<ceo@acme.example>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    'From: ceo@acme.example',
    'X-OriginatorOrg: acme.example',
    '',
    'smuggled',
    '',
  ].join('\r\n')
}

export const story: Story = {
  title: 'A second message inside the first',
  shows: '3.3 SMTP smuggling; NUL',
  play: (world, stage) =>
    playForms(
      'a message with a forged second one behind a false end of data',
      sequences,
      (sequence) =>
        throughExchangeOnline(world, stage, { body: `text${sequence}${smuggled(stage.address('smuggled'))}` }),
      { refused: 'line-endings', code: 554 },
    ),
  expect: { refused: 'line-endings', code: 554 },
}
