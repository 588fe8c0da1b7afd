import { headerOf } from '../play.ts'
import { forgedStamps, fromHost, plant } from '../senders.ts'
import type { Story } from '../story.ts'

const results = [
  'Authentication-Results: mx.receiver.example; dkim=pass header.d=bank.example; dmarc=pass',
  'Authentication-Results: relay.lab.example; dkim=pass header.d=bank.example',
  'Received-SPF: pass (all is well)',
  'X-MS-Exchange-Organization-SCL: -1',
  'X-Forefront-Antispam-Report: CIP:255.255.255.255;SFV:SKN;DIR:OUT',
  'X-Spam-Status: No, score=-100',
  '',
].join('\r\n')

export const story: Story = {
  title: 'Planted trust fields and check results never leave',
  shows: '3.3 Unsigned trust on output',
  play: async (world, stage) => ({
    sent: 'From plant@acme.example with forged stamps and results of checks that nobody made',
    said: await fromHost(world, stage, plant, { from: 'plant@acme.example', more: `${forgedStamps}${results}` }),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: (arrivals) =>
    arrivals
      .map(({ text }) => headerOf(text).replace(/\r\n[ \t]+/g, ' '))
      .filter((header) =>
        /^(?:authentication-results|received-spf|x-ms-|x-originator|x-forefront|x-spam)/im.test(header),
      )
      .map(() => 'a planted field went out'),
}
