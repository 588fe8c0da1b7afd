import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

export const story: Story = {
  title: 'A reverse-path that sender rewriting made',
  shows: '2.4 SRS shape: not authored here',
  play: (world, stage) =>
    playForms(
      'From ann@acme.example with every mark of a mailbox, and a reverse-path that SRS wrote',
      {
        'Exchange Online, a forwarder': 'ann+SRS=3OZRP=TY=evil.example=x@acme.example',
        'Exchange Online, a relay': 'bounces+SRS=3OZRP=TY@acme.example',
        'the classic form': 'SRS0=HHH=TT=evil.example=x@acme.example',
        'twice rewritten': 'SRS1=HHH=first.example==HHH=TT=evil.example=x@acme.example',
        'in small letters': 'bounces+srs=3ozrp=ty@acme.example',
      },
      (mailFrom) => throughExchangeOnline(world, stage, { mailFrom }),
      { refused: 'class-not-authorised' },
    ),
  expect: { refused: 'class-not-authorised' },
}
