import { formatMailbox } from '../../standards/names/mailbox.ts'
import type { Outcome, RecipientState, StoredMessage } from '../custody/custody.ts'
import { eventAbout } from './event-about.ts'
import type { Room } from './room.ts'
import { persist, settle } from './write-down.ts'

/** What is left to carry once those who are on the customer's suppression list have their end; `followed` whether a report was stored. */
export type Unlisted = { readonly due: readonly RecipientState[]; readonly followed: boolean }

/**
 * Ends the recipients that are on the list at this moment, before anything is signed for them: by a report to the sender, or in silence
 * where the customer chose that. The list is asked at each attempt, so it counts for mail that waited too.
 */
export async function endSuppressed(
  room: Room,
  message: StoredMessage,
  due: readonly RecipientState[],
): Promise<Unlisted> {
  const { suppressed } = room
  if (suppressed === undefined) return { due, followed: false }
  const fates = due.map((one) => ({ one, fate: suppressed(message, one.mailbox) }))
  const [refused, discarded] = (['refuse', 'discard'] as const).map((fate) =>
    fates.filter((each) => each.fate === fate).map(({ one }) => one),
  )
  const followed = refused === undefined || refused.length === 0 ? false : await refuse(room, message, refused)
  if (discarded !== undefined && discarded.length > 0) await discard(room, message, discarded)
  return { due: fates.filter(({ fate }) => fate === null).map(({ one }) => one), followed }
}

const reason = 'on the suppression list of the sending customer'

async function refuse(room: Room, message: StoredMessage, recipients: readonly RecipientState[]): Promise<boolean> {
  const results = recipients.map((one) => ({
    index: one.index,
    kind: 'failed' as const,
    status: '5.1.1',
    reply: `5.1.1 [suppressed] ${formatMailbox(one.mailbox)} is ${reason}`,
    fromRemote: false,
    remote: null,
    tls: null,
    dsn: false,
    attempted: true,
  }))
  return (await settle(room, message, [{ destination: 'none', results }], [])).followed
}

async function discard(room: Room, message: StoredMessage, recipients: readonly RecipientState[]): Promise<void> {
  const outcomes = recipients.map((one): Outcome => ({
    index: one.index,
    kind: 'cancelled',
    reply: `[suppressed] discarded: ${reason}`,
  }))
  const event = eventAbout(message, 'discarded', room.clock.now(), {
    recipients: recipients.map((one) => formatMailbox(one.mailbox)),
    reason,
  })
  await persist(room, () => room.custody.settle(message.id, outcomes, [], [event]))
}
