import { RelaxedBodyHash } from '../standards/dkim/index.ts'
import type { Entry, Envelope, StoredMessage } from './custody/index.ts'
import type { Decision } from './decision/index.ts'
import type { OwnMessage } from './delivery/index.ts'
import type { ReceivedMessage, Session, Transaction } from './ingress/index.ts'

/** A decision to take a message. */
export type Taken = Extract<Decision, { readonly verdict: 'relay' | 'hold' }>

/** What custody is to keep of a message that was received. `now` and `holdFor` in milliseconds. */
export function entryFor(
  decision: Taken,
  session: Session,
  transaction: Transaction,
  message: ReceivedMessage,
  now: number,
  holdFor: number,
): Entry {
  const { reversePath, parameters, forwardPaths } = transaction
  return {
    id: decision.id,
    permit: decision.permit,
    envelope: {
      reversePath,
      smtputf8: parameters.smtputf8,
      eightBit: message.eightBit,
      ...(parameters.requireTls === true ? { requireTls: true } : {}),
      ret: parameters.ret,
      envid: parameters.envid,
      arrival: {
        at: now,
        client: session.client.address,
        greeting: session.greeting?.claimed ?? '',
        protocol: protocolOf(session, parameters.smtputf8),
        tls: session.tls === null ? null : `${session.tls.protocol} ${session.tls.cipher}`,
      },
    },
    recipients: forwardPaths.map(({ mailbox, notify, orcpt }, index) => ({ index, mailbox, notify, orcpt })),
    header: message.header,
    body: message.body,
    relaxedBodyHash: message.relaxedBodyHash,
    size: message.size,
    hold: decision.verdict === 'hold' ? { reason: `held: ${decision.holdReason}`, until: now + holdFor } : null,
  }
}

/** RFC 3848 and RFC 6531 §4.3: the `with` of our Received field. */
function protocolOf(session: Session, smtputf8: boolean): Envelope['arrival']['protocol'] {
  if (!session.extended) return 'SMTP'
  const secure = session.tls === null ? '' : 'S'
  const signedIn = session.account === null ? '' : 'A'
  return `${smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${secure}${signedIn}`
}

/** What custody would read back of an entry that it has just taken: nothing was tried yet, and everything is due. */
export function asStored(entry: Entry): StoredMessage {
  const { id, permit, envelope, header, relaxedBodyHash, size, hold } = entry
  const untried = { state: 'pending', attempts: 0, lastReply: null, delayNotified: false } as const
  const recipients = entry.recipients.map((one) => ({ ...one, ...untried, dueAt: envelope.arrival.at }))
  return { id, permit, envelope, recipients, header, relaxedBodyHash, size, hold }
}

/** What custody is to keep of a message of our own. */
export function ownEntry(decision: Taken, own: OwnMessage, now: number): Entry {
  const bodyHash = new RelaxedBodyHash()
  for (const piece of own.body) bodyHash.update(piece)
  const bodySize = own.body.reduce((sum, piece) => sum + piece.length, 0)
  return {
    id: decision.id,
    permit: decision.permit,
    envelope: {
      reversePath: null,
      smtputf8: own.smtputf8,
      eightBit: own.eightBit,
      ...(own.requireTls === true ? { requireTls: true } : {}),
      ret: null,
      envid: null,
      arrival: { at: now, client: 'local', greeting: '', protocol: 'local', tls: null },
    },
    recipients: [{ index: 0, mailbox: own.recipient, notify: 'NEVER', orcpt: null }],
    header: own.header,
    body: own.body,
    relaxedBodyHash: bodyHash.digest(),
    size: own.header.length + 2 + bodySize,
    hold: null,
  }
}
