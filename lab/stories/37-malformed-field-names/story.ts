import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'Trust fields under names that no grammar allows',
  shows: '3.1 Duplicate / shadow headers: space, tab, other letters',
  play: (world, stage) =>
    playForms(
      'Acme’s own mail with a trust field under a malformed name',
      {
        'a space before the colon': 'X-OriginatorOrg : globex.example',
        'a tab before the colon': 'X-OriginatorOrg\t: globex.example',
        'a space in the name': 'X-Originator Org: globex.example',
        'a Cyrillic letter': 'X-ОriginatorOrg: globex.example',
        'an invisible letter': 'X-Originator\u200bOrg: globex.example',
        'no name at all': ': globex.example',
        'no colon at all': 'X-OriginatorOrg globex.example',
      },
      (field) => throughExchangeOnline(world, stage, { twist: { afterStamps: `${field}\r\n` } }),
      { refused: 'message-malformed', code: 554 },
    ),
  expect: { refused: 'message-malformed', code: 554 },
}
