import { acme } from '../../world/cast.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A planted trust field survives the edge',
  shows: '3.1 Duplicate / shadow headers',
  play: (world, stage) =>
    playForms(
      'Acme’s own mail with one trust field more, as if the edge had let it pass',
      {
        'a second originator': 'X-OriginatorOrg: acme.example',
        'in other letters': 'x-ORIGINATORorg: acme.example',
        folded: 'X-OriginatorOrg:\r\n acme.example',
        empty: 'X-OriginatorOrg:',
        'with underscores': 'X_OriginatorOrg: acme.example',
        'with one more hyphen': 'X-Originator-Org: acme.example',
        'an encoded name': '=?utf-8?q?X-OriginatorOrg?=: acme.example',
        'an encoded name in base64': '=?utf-8?b?WC1PcmlnaW5hdG9yT3Jn?=: acme.example',
        'a second tenant id': `X-MS-Exchange-CrossTenant-Id: ${acme.id}`,
        'a tenant id with underscores': `X_MS_Exchange_CrossTenant_Id: ${acme.id}`,
        'a second AuthAs': 'X-MS-Exchange-CrossTenant-AuthAs: Internal',
        'a second FromEntityHeader': 'X-MS-Exchange-CrossTenant-FromEntityHeader: Hosted',
        'a second SenderADCheck': 'X-MS-Exchange-SenderADCheck: 1',
      },
      (field) => throughExchangeOnline(world, stage, { twist: { afterStamps: `${field}\r\n` } }),
      { refused: 'evidence-duplicate' },
    ),
  expect: { refused: 'evidence-duplicate' },
}
