import { setTimeout as sleep } from 'node:timers/promises'
import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import { consequenceOf } from '../shaping/consequence.ts'
import type { Passage } from '../shaping/passage.ts'
import type { Shaping } from '../shaping/shaping.ts'
import type { AttemptResult } from './attempt-result.ts'

/** Whose message it is, as far as shaping asks. */
export type Subject = {
  readonly id: string
  readonly customer: string
  readonly source: string
  /** Whether it comes straight from acceptance and has not waited yet. */
  readonly fresh: boolean
}

/** A wait for the rate that is no longer than this many milliseconds is waited out with the place in hand. */
const longestInHand = 1_000

/** After an address was suspended, what it could not send is tried from another one so many milliseconds later. */
const elsewhereAfter = 10_000

/** Waits for a place in the rate; null when the message may go now, else when it shall come back, in milliseconds since the epoch. */
export async function paced(shaping: Shaping, passage: Passage, fresh: boolean): Promise<number | null> {
  for (;;) {
    const full = shaping.pace(passage, fresh)
    if (full === null) return null
    if (full.wait > longestInHand) return full.comeBack()
    await sleep(full.wait)
  }
}

/**
 * What the receiver's replies have for consequences: for these recipients by the rules for each class, and for what goes there later by
 * what is learnt from them.
 */
export function withConsequences(
  shaping: Shaping,
  passage: Passage,
  subject: Subject,
  domain: string,
  began: number,
  results: readonly AttemptResult[],
): readonly AttemptResult[] {
  const { terms } = passage.site
  const refusals = new Map<ReplyClass, AttemptResult>()
  for (const one of results) if (one.class !== undefined) refusals.set(one.class, one)
  const delivered = results.some((one) => one.kind === 'delivered')
  if (refusals.size === 0 && !delivered) return results
  const made = shaping.learn(passage, {
    customer: subject.customer,
    source: subject.source,
    message: subject.id,
    domain,
    began,
    delivered,
    refusals: [...refusals].map(([replyClass, { reply, kind }]) => ({
      class: replyClass,
      reply,
      forGood: kind === 'failed',
    })),
  })
  if (refusals.size === 0) return results
  const isSuspended = made.some((one) => one.kind === 'suspend' && one.scope.what === 'address')
  return results.map((one) => {
    if (one.class === undefined) return one
    const consequence = consequenceOf(terms, one.class, { forGood: one.kind === 'failed', text: one.reply })
    switch (consequence.kind) {
      case 'usual':
        return isSuspended && one.kind === 'retry' ? { ...one, ownClock: { after: elsewhereAfter, times: 1000 } } : one
      case 'own-clock': {
        const { after, times } = consequence
        return { ...one, ownClock: isSuspended ? { after: elsewhereAfter, times: 1000 } : { after, times } }
      }
      case 'failed':
        return { ...one, kind: 'failed', status: `5${one.status.slice(1)}` }
      default:
        return consequence satisfies never
    }
  })
}
