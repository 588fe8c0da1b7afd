import { formatMailbox } from '../../standards/names/mailbox.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseMailbox } from '../../standards/message/mailbox-list.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { QueueDetail, StoredMessage } from '../custody/custody.ts'
import type { DecisionId } from '../decision/decision.ts'
import { type Notice, reportOn } from './report.ts'
import type { Room } from './room.ts'
import type { Scheduler } from './scheduler.ts'
import { eventAbout } from './event-about.ts'
import { wants } from './settle.ts'

/** Holds that are ended at a time. */
const batch = 100

/** What people, and holds that run out, do to stored mail. Each waits until the message is in no other hand. */
export class Hands {
  readonly #room: Room
  readonly #scheduler: Scheduler

  constructor(room: Room, scheduler: Scheduler) {
    this.#room = room
    this.#scheduler = scheduler
  }

  /** Puts a queued or held message on hold until the given moment. False when there is no such message. */
  hold(id: DecisionId, reason: string, by: string, until: number): Promise<boolean> {
    return this.#alone(id, (message) =>
      this.#room.custody.hold(id, { reason, until }, [eventAbout(message, 'held', this.#now(), { reason, until, by })]),
    )
  }

  /** Makes a held message due now; it is judged again before it is sent. False when it is not held. */
  async release(id: DecisionId, by: string): Promise<boolean> {
    const released = await this.#alone(id, (message) =>
      this.#room.custody.release(id, [eventAbout(message, 'released', this.#now(), { by })]),
    )
    this.#scheduler.kick()
    return released
  }

  /** Ends a message for all recipients that have no final outcome, and tells the sender. False when there is no such message. */
  cancel(id: DecisionId, by: string, reason = 'cancelled by an administrator of the relay'): Promise<boolean> {
    return this.#scheduler.leases.during(id, async () => {
      const message = (await this.#room.custody.read(id)) ?? damagedMessage(await this.#room.custody.find(id))
      return message === null ? false : this.#end(message, 'cancelled', by, reason)
    })
  }

  /** Ends the holds that have run out, each with a report to its sender. Answers how many. */
  async expireHolds(): Promise<number> {
    let ended = 0
    const ids = await this.#room.custody.expiredHolds(this.#now(), batch)
    for (const id of ids) {
      const done = await this.#alone(id, async (message) => {
        // Somebody may have released it or prolonged the hold while we waited for it.
        if (message.hold === null || message.hold.until > this.#now()) return false
        return this.#end(message, 'expired', 'the hold ran out', 'held for review, and nobody released it in time')
      })
      if (done) ended++
    }
    return ended
  }

  async #end(message: StoredMessage, kind: 'cancelled' | 'expired', by: string, reason: string): Promise<boolean> {
    const now = this.#now()
    const open = message.recipients.filter((one) => one.state === 'pending')
    const reply = `5.7.0 ${reason}`
    const notices = open
      .filter((one) => wants(one, 'FAILURE', true))
      .map((recipient): Notice => ({
        recipient,
        action: 'failed',
        status: '5.7.0',
        remoteMta: null,
        diagnostic: reply,
        fromRemote: false,
        lastAttempt: null,
        willRetryUntil: null,
      }))
    const report = await reportOn(this.#room, message, notices)
    const recipients = open.map((one) => formatMailbox(one.mailbox))
    const event = eventAbout(message, kind, now, { reason: message.hold?.reason ?? reason, by, recipients })
    await this.#room.custody.settle(
      message.id,
      open.map((one) => ({ index: one.index, kind: 'cancelled', reply })),
      report.follow,
      [event, ...report.events],
    )
    this.#room.signatures.forget(message.id)
    if (report.follow.length > 0) this.#scheduler.kick()
    return true
  }

  #alone(id: DecisionId, work: (message: StoredMessage) => Promise<boolean>): Promise<boolean> {
    return this.#scheduler.leases.during(id, async () => {
      const message = await this.#room.custody.read(id)
      return message === null ? false : work(message)
    })
  }

  #now(): number {
    return this.#room.clock.now()
  }
}

/** What is left of a damaged message, as far as ending it needs: its sender must hear of it all the same. */
function damagedMessage(detail: QueueDetail | null): StoredMessage | null {
  if (detail === null || detail.state !== 'damaged') return null
  const recipients = detail.recipients.flatMap((one, index) => {
    const mailbox = readMailbox(one.address)
    return mailbox === null
      ? []
      : [{ index, mailbox, notify: null, orcpt: null, delayNotified: false, ...one, state: stateOf(one.state) }]
  })
  const header = detail.header ?? Buffer.alloc(0)
  const { id, customer, source, domain, size, arrivedAt: at } = detail
  return {
    id,
    // Nothing is judged or signed by it: a damaged message is only ever ended.
    permit: { id, customer, source, domain } as StoredMessage['permit'],
    envelope: {
      reversePath: readMailbox(detail.reversePath),
      smtputf8: true,
      eightBit: false,
      ret: null,
      envid: null,
      arrival: { at, client: '', greeting: '', protocol: 'local', tls: null },
    },
    recipients,
    header,
    relaxedBodyHash: Buffer.alloc(0),
    size,
    hold: null,
  }
}

function readMailbox(text: string): Mailbox | null {
  const mailbox = parseMailbox(text, { smtputf8: true })
  return isSyntaxFault(mailbox) ? null : mailbox
}

function stateOf(text: string): 'pending' | 'delivered' | 'failed' | 'cancelled' {
  return text === 'delivered' || text === 'failed' || text === 'cancelled' ? text : 'pending'
}
