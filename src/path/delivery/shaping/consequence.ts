import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import { waitAsked } from '../../../standards/smtp/reply-wait.ts'
import type { Terms } from './profiles.ts'

/** What a refusal means for the recipient that met it. */
export type Consequence =
  /** As the reply says: for good, or by the retry clock. */
  | { readonly kind: 'usual' }
  /** The first `times` waits are this long, in milliseconds. */
  | { readonly kind: 'own-clock'; readonly after: number; readonly times: number }
  /** It has failed, though the reply was for now. */
  | { readonly kind: 'failed' }

/** A receiver that says how long to wait is believed up to this, in milliseconds. */
const longestAsked = 3_600_000

const usual: Consequence = { kind: 'usual' }

export function consequenceOf(
  terms: Terms,
  replyClass: ReplyClass,
  refusal: { readonly forGood: boolean; readonly text: string },
): Consequence {
  if (refusal.forGood) return usual
  for (const step of terms.actions[replyClass].value) {
    if (step.do === 'bounce' && step.temporary) return { kind: 'failed' }
    if (step.do === 'retry') {
      const asked = replyClass === 'greylist' || replyClass === 'rate' ? waitAsked(refusal.text) : null
      const after = asked === null ? step.after : Math.min(Math.max(asked, 1000), longestAsked)
      return { kind: 'own-clock', after, times: step.times }
    }
  }
  return usual
}
