import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Stage, Story } from '../story.ts'

const forms = {
  'no From at all': '',
  'two From fields': 'From: ann@acme.example\r\nFrom: x@evil.example\r\n',
  'two From fields that agree': 'From: ann@acme.example\r\nFROM: ann@acme.example\r\n',
  'two mailboxes': 'From: ann@acme.example, x@evil.example\r\n',
  'two addresses in brackets': 'From: <ann@acme.example> <x@evil.example>\r\n',
  'a group': 'From: Acme: ann@acme.example;\r\n',
  'an empty group': 'From: undisclosed:;\r\n',
  'a comment with an address': 'From: ann@acme.example (<x@evil.example>)\r\n',
  'a comment before the address': 'From: (x) ann@acme.example\r\n',
  'a comment inside the address': 'From: <ann(x)@acme.example>\r\n',
  'a nested comment': 'From: ann@acme.example (a (b) c)\r\n',
  'an encoded address': 'From: =?utf-8?q?ann=40acme=2Eexample?=\r\n',
  'an encoded word for brackets': 'From: =?utf-8?q?=3Cann=40acme=2Eexample=3E?= x\r\n',
  'a route': 'From: <@evil.example,@b.example:ann@acme.example>\r\n',
  'an unquoted comma': 'From: Author, Ann <ann@acme.example>\r\n',
  'an unquoted address as a name': 'From: x@evil.example <ann@acme.example>\r\n',
  'a domain literal': 'From: <ann@[127.0.0.1]>\r\n',
  'no domain': 'From: <ann>\r\n',
  'two at signs': 'From: <ann@evil.example@acme.example>\r\n',
  'spaces inside the address': 'From: <ann @ acme.example>\r\n',
  'a quoted string that does not end': 'From: "Ann <ann@acme.example>\r\n',
  'a trailing dot': 'From: <ann@acme.example.>\r\n',
  'text after the address': 'From: <ann@acme.example> x\r\n',
  'an empty field': 'From:\r\n',
  'a fold of blanks only': 'From: ann@acme.example,\r\n \r\n x@evil.example\r\n',
}

function withFrom(stage: Stage, from: string): string {
  return stage.header({ from: 'ann@acme.example' }).replace(/^From:.*\r\n/m, () => from)
}

export const story: Story = {
  title: 'From fields that two readers read differently',
  shows: '3.3 Several From; From with several addresses; From parse ambiguity',
  play: (world, stage) =>
    playForms(
      'Acme’s own mail with a From field outside the grammar',
      forms,
      (from) => throughExchangeOnline(world, stage, { header: withFrom(stage, from) }),
      { refused: 'author-malformed' },
    ),
  expect: { refused: 'author-malformed' },
}
