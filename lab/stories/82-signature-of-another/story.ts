import { sealedResults } from '../../world/provider-signatures.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

const signatures = {
  'DKIM of globex.example': { dkim: [{ domain: 'globex.example' }] },
  'DKIM of another initial domain': { dkim: [{ domain: 'globex.onmicrosoft.com' }] },
  'ARC with another author': { arc: [{ results: sealedResults.hosted('globex.example') }] },
} as const

export const story: Story = {
  title: 'A valid DKIM signature or ARC set names another author or origin',
  shows: '5.13: a contradiction denies in every mode',
  world: evidenceWorld,
  play: (world, stage) => {
    const forms: Record<
      string,
      { readonly from: string; readonly signed: (typeof signatures)[keyof typeof signatures] }
    > = {}
    for (const from of ['ann@acme.example', 'ann@soft.example', 'ann@dkim.example'])
      for (const [what, signed] of Object.entries(signatures)) forms[`${what}, from ${from}`] = { from, signed }
    return playForms(
      'mail of Acme’s tenant that bears a genuine signature of somebody else',
      forms,
      (form) => throughExchangeOnline(world, stage, { tenant: acmeWithEvidence, ...form }),
      { refused: 'evidence-conflict' },
    )
  },
  expect: { refused: 'evidence-conflict' },
}
