import { type Reply, reply } from './reply.ts'

/**
 * A failure that says whose it was, what the peer hears and what we keep.
 * Thrown inside a room; turned into a reply at its edge by `asFault`.
 */
export class Fault extends Error {
  readonly blame: 'client' | 'us' | 'peer'
  readonly reply: Reply

  constructor(blame: 'client' | 'us' | 'peer', heard: Reply, kept: string, cause?: unknown) {
    super(kept, { cause })
    this.name = 'Fault'
    this.blame = blame
    this.reply = heard
  }
}

/** Anything unexpected is ours and temporary: 451 4.3.0, never 5xx, never allow. */
export function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  return new Fault(
    'us',
    reply(451, '4.3.0', 'temporary fault on our side, please try again'),
    'unexpected fault',
    thrown,
  )
}
