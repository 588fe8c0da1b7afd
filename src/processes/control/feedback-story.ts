import type { Story } from '../../doors/operations.ts'
import type { StoredEvent } from '../../rooms/ledger/index.ts'
import { inWords } from './events-in-words.ts'

/** What is known of an id that a client of a feedback listener heard; null when it is none. There is no decision to judge again. */
export function feedbackStory(id: string, events: readonly StoredEvent[]): Story | null {
  const piece = events.find((event) => event.kind === 'feedback')
  if (piece === undefined) return null
  const { detail } = piece
  const text = (name: string, otherwise: string): string => {
    const value = detail[name]
    return typeof value === 'string' ? value : otherwise
  }
  const refused = detail['found'] === 'refused'
  return {
    id,
    verdict: refused ? 'refuse' : 'kept',
    rule: text('rule', 'feedback-accepted'),
    reply: text('reply', '250 2.0.0 [feedback-accepted]'),
    words: [
      `${refused ? 'Refused' : 'Kept'} at the feedback listener ${text('listener', '')} from ${text('client', '')}`,
      inWords(piece).words,
    ],
    events: events.filter((event) => event !== piece).map(inWords),
    facts: detail,
    replay: null,
  }
}
