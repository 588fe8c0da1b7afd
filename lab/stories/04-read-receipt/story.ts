import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const receipt = [
  '--receipt',
  'Content-Type: text/plain',
  '',
  'Your message was read.',
  '--receipt',
  'Content-Type: message/disposition-notification',
  '',
  'Final-Recipient: rfc822; ann@acme.example',
  'Disposition: manual-action/MDN-sent-manually; displayed',
  '',
  '--receipt--',
  '',
].join('\r\n')

export const story: Story = {
  title: 'A read receipt',
  shows: 'honest mail: message disposition notification',
  play: async (world, stage) => ({
    sent: 'multipart/report; report-type=disposition-notification, MAIL FROM:<>',
    said: await throughExchangeOnline(world, stage, {
      mailFrom: '',
      subject: 'Read: Hello',
      contentType: 'multipart/report; report-type=disposition-notification;\r\n\tboundary="receipt"',
      body: receipt,
    }),
  }),
  expect: { signedFor: 'acme.example' },
}
