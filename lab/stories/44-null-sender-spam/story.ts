import { playForms } from '../forms.ts'
import { fromHost, plant, throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Spam without a reverse-path',
  shows: '3.2 Null sender (MAIL FROM:<>)',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example, MAIL FROM:<>, and no report',
      {
        'a plain message': {},
        'Auto-Submitted: no': { more: 'Auto-Submitted: no\r\n' },
        'two Auto-Submitted fields': { more: 'Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n' },
        'a report by parameter only': { contentType: 'multipart/mixed; report-type=delivery-status; boundary=b' },
        'two content types': { more: 'Content-Type: multipart/report; boundary=b\r\n' },
        'a report by subject only': { subject: 'Undeliverable: multipart/report' },
      },
      async (mail) => {
        const said = await throughExchangeOnline(world, stage, { ...mail, mailFrom: '' })
        const alike = await fromHost(world, stage, plant, { ...mail, mailFrom: '' })
        return alike.code === said.code ? said : alike
      },
      { refused: 'reverse-path-not-owned' },
    ),
  expect: { refused: 'reverse-path-not-owned' },
}
