import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const report = [
  '--status',
  'Content-Type: text/plain',
  '',
  'There is no bob here.',
  '--status',
  'Content-Type: message/delivery-status',
  '',
  'Reporting-MTA: dns; LV2PR12MB5990.namprd12.prod.outlook.com',
  '',
  'Final-Recipient: rfc822; bob@acme.example',
  'Action: failed',
  'Status: 5.1.10',
  '',
  '--status--',
  '',
].join('\r\n')

export const story: Story = {
  title: 'The tenant reports that it could not deliver',
  shows: 'honest mail: delivery status notification of the tenant',
  play: async (world, stage) => ({
    sent: 'multipart/report; report-type=delivery-status, from postmaster@acme.example, MAIL FROM:<>',
    said: await throughExchangeOnline(world, stage, {
      mailFrom: '',
      from: 'Microsoft Outlook <postmaster@acme.example>',
      subject: 'Undeliverable: Hello',
      contentType: 'multipart/report; report-type=delivery-status; boundary="status"',
      more: 'Auto-Submitted: auto-replied\r\n',
      body: report,
    }),
  }),
  expect: { signedFor: 'acme.example' },
}
