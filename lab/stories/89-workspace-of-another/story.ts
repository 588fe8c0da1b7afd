import { playForms } from '../forms.ts'
import { throughGoogle } from '../senders.ts'
import { evidenceWorld } from '../worlds.ts'
import type { Story } from '../story.ts'

const own = { domain: 'acme.example', selector: 'google' }
const defaultKey = { domain: 'helloadmin-lol.20230601.gappssmtp.com', selector: '20230601' }

export const story: Story = {
  title: 'Another Workspace sends as Acme through Google',
  shows: '2.6: Google’s shared relay, a relaying tenant that is not the author',
  world: evidenceWorld,
  play: async (world, stage) => {
    const unsigned = await playForms(
      'From ann@acme.example by another Workspace',
      {
        'unsigned, with a forged name': { dkim: [] },
        'signed by a domain of its own': { dkim: [{ domain: 'helloadmin.example' }], workspace: null },
        'with a part of the body signed': { dkim: [{ ...own, bodyLength: 2 }] },
      },
      (form) => throughGoogle(world, stage, form),
      { refused: 'evidence-required' },
    )
    const resubmitted = await playForms(
      'mail that names another Workspace, and a genuine message of Acme’s resubmitted by one',
      {
        'signed by Google’s default key for it': { workspace: null, dkim: [defaultKey] },
        'which X-Relaying-Domain names': { workspace: 'helloadmin.example' },
        'which signed it with its default key too': { workspace: null, dkim: [own, defaultKey] },
      },
      (form) => throughGoogle(world, stage, form),
      { refused: 'evidence-conflict' },
    )
    const stranger = await throughGoogle(world, stage, {
      from: 'ann@globex.example',
      dkim: [{ domain: 'globex.example' }],
    })
    const wrong = stranger.text.includes('[tenant-not-authorised]')
      ? []
      : [`Globex, which granted no Workspace: ${stranger.text}`]
    return {
      sent: `${unsigned.sent}; ${resubmitted.sent}`,
      said: resubmitted.said,
      wrong: [...(unsigned.wrong ?? []), ...(resubmitted.wrong ?? []), ...wrong],
    }
  },
  expect: { refused: 'evidence-conflict' },
}
