import { globex, onPrem } from '../../world/cast.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'The host behind the tenant is attributed to another tenant',
  shows: '2.2 OriginalAttributedTenantConnectingIp',
  play: async (world, stage) => ({
    sent: 'From erp@acme.example by Acme’s listed server, attributed to Globex’s tenant',
    said: await throughExchangeOnline(world, stage, {
      mode: { kind: 'on-prem', host: onPrem.listed, helo: onPrem.helo },
      from: 'erp@acme.example',
      mailFrom: 'erp@acme.example',
      twist: {
        stamps: {
          'x-ms-exchange-crosstenant-originalattributedtenantconnectingip': `TenantId=${globex.id};Ip=[${onPrem.listed}];Helo=[${onPrem.helo}]`,
        },
      },
    }),
  }),
  expect: { refused: 'evidence-conflict' },
}
