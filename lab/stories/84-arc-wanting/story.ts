import { sealedResults } from '../../world/provider-signatures.ts'
import { playForms } from '../forms.ts'
import { throughExchangeOnline } from '../senders.ts'
import { acmeWithEvidence, evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

const hosted = { results: sealedResults.hosted('arc.example') }

export const story: Story = {
  title: 'The owner asks for Microsoft’s ARC set, and it is wanting',
  shows: '2.4: shapes of the results; 5.13',
  world: evidenceWorld,
  play: (world, stage) =>
    playForms(
      'From ann@arc.example, whose grant requires ARC',
      {
        absent: {},
        'of the consumer service': { signed: { arc: [{ results: sealedResults.consumer() }] } },
        'sealed by another': { signed: { arc: [{ ...hosted, sealer: 'globex.example' }] } },
        'the second set': { signed: { arc: [hosted, { ...hosted, cv: 'pass' as const }] } },
        'altered since': {
          signed: { arc: [hosted] },
          twist: { afterSigning: (message: Buffer) => Buffer.from(message.toString().replace('Hello', 'Hullo')) },
        },
      },
      (form) => throughExchangeOnline(world, stage, { tenant: acmeWithEvidence, from: 'ann@arc.example', ...form }),
      { refused: 'evidence-required' },
    ),
  expect: { refused: 'evidence-required' },
}
