import { unfoldedSignatures } from '../arrived.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'

const oversigned = ['from', 'to', 'cc', 'subject', 'date', 'message-id', 'reply-to', 'content-type', 'mime-version']
const presentOnce = ['from', 'to', 'subject', 'date', 'message-id', 'content-type', 'mime-version']

function faultsOf(tags: ReadonlyMap<string, string>): readonly string[] {
  const names = (tags.get('h') ?? '').toLowerCase().split(':')
  const times = (name: string): number => names.filter((one) => one.trim() === name).length
  const lifetime = Number(tags.get('x')) - Number(tags.get('t'))
  return [
    ...(tags.has('l') ? ['it has l='] : []),
    ...(tags.get('d') === 'acme.example' ? [] : [`d= is ${tags.get('d')}`]),
    ...(tags.get('c') === 'relaxed/relaxed' ? [] : [`c= is ${tags.get('c')}`]),
    ...(lifetime === 7 * 86_400 ? [] : [`it holds for ${lifetime} seconds`]),
    ...oversigned
      .filter((name) => times(name) !== (presentOnce.includes(name) ? 2 : 1))
      .map((name) => `${name} is in h= ${times(name)} times`),
  ]
}

export const story: Story = {
  title: 'What our signatures cover, and for how long',
  shows: '3.3 DKIM l=, DKIM replay, unsigned trust on output',
  play: async (world, stage) => ({
    sent: 'From ann@acme.example, and a look at the DKIM-Signature fields themselves',
    said: await throughExchangeOnline(world, stage, {}),
  }),
  expect: { signedFor: 'acme.example' },
  arrived: (arrivals) => arrivals.flatMap(({ text }) => unfoldedSignatures(text).flatMap(faultsOf)),
}
