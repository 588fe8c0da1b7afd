import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'
import type { Target } from '../routing/targets.ts'
import type { RecipientResult } from './outcome.ts'
import type { OutgoingRecipient } from './outgoing.ts'

/** What became of one recipient, and by which server. */
export type AttemptResult = RecipientResult & {
  /** The server that answered, or the last one that we tried; null when it never came to one. */
  readonly remote: Target | null
  readonly tls: string | null
  /** Whether the server would have sent DSNs itself (RFC 3461). */
  readonly dsn: boolean
  /** False when the destination was not even tried, so that its retry clock stays where it is. */
  readonly attempted: boolean
  /** When to come again where it was not tried, in milliseconds since the epoch; absent: soon. */
  readonly dueAt?: number
  /** What the server's refusal was about; absent where it refused nothing. */
  readonly class?: ReplyClass
  /** The first `times` waits are this long, in milliseconds, instead of those of the retry clock. */
  readonly ownClock?: { readonly after: number; readonly times: number }
}

/** What is told of a recipient when no server said anything. */
export function nowhere(
  one: OutgoingRecipient,
  kind: 'failed' | 'retry',
  status: string,
  words: string,
): AttemptResult {
  const reply = `${status} ${words}`
  return {
    index: one.index,
    kind,
    status,
    reply,
    fromRemote: false,
    remote: null,
    tls: null,
    dsn: false,
    attempted: true,
  }
}
