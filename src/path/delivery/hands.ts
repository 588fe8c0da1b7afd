import { formatMailbox } from '../../standards/names/mailbox.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseMailbox } from '../../standards/message/mailbox-list.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { Hold, ManualRoute, QueueDetail, StoredMessage } from '../custody/custody.ts'
import type { DecisionId } from '../decision/decision.ts'
import { type Notice, reportOn } from './report.ts'
import type { Room } from './room.ts'
import type { Scheduler } from './schedule/scheduler.ts'
import { eventAbout } from './event-about.ts'
import { wants } from './settle.ts'

/** Holds that are ended at a time. */
const batch = 100

/** How long a person waits for a message that is on its way, in milliseconds. */
const patience = 5_000

/** How a message ends by a person, or because nobody came: for its event, its recipients and the report. */
type End = {
  readonly kind: 'cancelled' | 'expired' | 'bounced'
  readonly by: string
  /** Enhanced status code (RFC 3463). */
  readonly status: string
  /** What the sender is told, in words. */
  readonly told: string
}

/** What people, and holds that run out, do to stored mail. Each waits until the message is in no other hand. */
export class Hands {
  readonly #room: Room
  readonly #scheduler: Scheduler

  constructor(room: Room, scheduler: Scheduler) {
    this.#room = room
    this.#scheduler = scheduler
  }

  /** Puts a queued or held message on hold. False when there is no such message. */
  hold(id: DecisionId, hold: Hold, by: string): Promise<boolean> {
    return this.#alone(id, (message) =>
      this.#room.custody.hold(id, hold, [eventAbout(message, 'held', this.#now(), { ...hold, by })]),
    )
  }

  /** Makes a queued message due now. False when it is not queued. */
  async hurry(id: DecisionId, by: string): Promise<boolean> {
    const hurried = await this.#alone(id, (message) =>
      this.#room.custody.hurry(id, [eventAbout(message, 'hurried', this.#now(), { by })]),
    )
    this.#scheduler.kick()
    return hurried
  }

  /** Sends a message another way from now on, or (null) the usual one. False when there is no such message. */
  async reroute(id: DecisionId, route: ManualRoute | null, by: string): Promise<boolean> {
    const rerouted = await this.#alone(id, (message) =>
      this.#room.custody.reroute(id, route, [eventAbout(message, 'rerouted', this.#now(), { route, by })]),
    )
    this.#scheduler.kick()
    return rerouted
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
  cancel(id: DecisionId, by: string): Promise<boolean> {
    return this.#giveUp(id, { kind: 'cancelled', by, status: '5.7.0', told: cancelledWords })
  }

  /** Lets recipients go now that wait for what their last reply names, in these messages. */
  async comeBack(ids: readonly string[], named: string): Promise<void> {
    for (const id of ids) {
      await this.#alone(id as DecisionId, async (message) => {
        const now = this.#now()
        const waiting = message.recipients.filter(
          (one) => one.state === 'pending' && one.dueAt > now && one.lastReply?.includes(named) === true,
        )
        const outcomes = waiting.map(({ index, lastReply }) => ({
          index,
          kind: 'retry' as const,
          reply: lastReply ?? '',
          dueAt: now,
          attempted: false,
        }))
        if (outcomes.length > 0) await this.#room.custody.settle(message.id, outcomes, [], [])
        return outcomes.length > 0
      }).catch((error: unknown) => {
        this.#room.log.warn('a message that may go again waits for its time', { id, error: String(error) })
      })
    }
    if (ids.length > 0) this.#scheduler.kick()
  }

  /** The same, for a reason that the sender is told as it is given. */
  bounce(id: DecisionId, by: string, status: string, reason: string): Promise<boolean> {
    return this.#giveUp(id, { kind: 'bounced', by, status, told: reason })
  }

  /** Ends the holds that have run out, each as it was put. Answers how many. */
  async expireHolds(): Promise<number> {
    let ended = 0
    const ids = await this.#room.custody.expiredHolds(this.#now(), batch)
    for (const id of ids) {
      const done = await this.#alone(id, async (message) => {
        // Somebody may have released it or prolonged the hold while we waited for it.
        if (message.hold === null || message.hold.until > this.#now()) return false
        return this.#expire(message, message.hold)
      })
      if (done) ended++
    }
    if (ended > 0) this.#scheduler.kick()
    return ended
  }

  async #expire(message: StoredMessage, hold: Hold): Promise<boolean> {
    const by = 'the hold ran out'
    switch (hold.atEnd) {
      case undefined:
      case 'cancel':
        return this.#end(message, { kind: 'expired', by, status: '5.7.0', told: expiredWords })
      case 'bounce':
        return this.#end(message, { kind: 'expired', by, status: '5.7.0', told: hold.reason })
      case 'release': {
        const event = eventAbout(message, 'released', this.#now(), { by, reason: hold.reason })
        return this.#room.custody.release(message.id, [event])
      }
      default:
        return hold.atEnd satisfies never
    }
  }

  #giveUp(id: DecisionId, end: End): Promise<boolean> {
    const { custody } = this.#room
    const work = async (): Promise<boolean> => {
      const message = (await custody.read(id)) ?? damagedMessage(await custody.find(id))
      return message === null ? false : this.#end(message, end)
    }
    return this.#scheduler.leases.during(id, work, patience)
  }

  async #end(message: StoredMessage, { kind, by, status, told }: End): Promise<boolean> {
    const now = this.#now()
    const open = message.recipients.filter((one) => one.state === 'pending')
    const reply = `${status} ${told}`
    const notices = open
      .filter((one) => wants(one, 'FAILURE', true))
      .map((recipient): Notice => ({
        recipient,
        action: 'failed',
        status,
        remoteMta: null,
        diagnostic: reply,
        fromRemote: false,
        lastAttempt: null,
        willRetryUntil: null,
      }))
    const report = await reportOn(this.#room, message, notices)
    const recipients = open.map((one) => formatMailbox(one.mailbox))
    const heldFor = message.hold === null ? {} : { heldFor: message.hold.reason }
    const event = eventAbout(message, kind, now, { reason: told, ...heldFor, by, status, reply, recipients })
    await this.#room.custody.settle(
      message.id,
      open.map((one) => ({ index: one.index, kind: kind === 'bounced' ? 'failed' : 'cancelled', reply })),
      report.follow,
      [event, ...report.events],
    )
    this.#room.signatures.forget(message.id)
    if (report.follow.length > 0) this.#scheduler.kick()
    return true
  }

  #alone(id: DecisionId, work: (message: StoredMessage) => Promise<boolean>): Promise<boolean> {
    const read = async (): Promise<boolean> => {
      const message = await this.#room.custody.read(id)
      return message === null ? false : work(message)
    }
    return this.#scheduler.leases.during(id, read, patience)
  }

  #now(): number {
    return this.#room.clock.now()
  }
}

const cancelledWords = 'cancelled by an administrator of the relay'
const expiredWords = 'held for review, and nobody released it in time'

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
