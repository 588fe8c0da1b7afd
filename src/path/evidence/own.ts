import { defaultHeaderLimits } from '../../standards/message/header-section.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { IpAddress } from '../../standards/names/ip.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { Evidence } from './evidence.ts'
import { readMessage } from './message.ts'
import { verified } from './verified.ts'

/** A notification that we wrote ourselves, before it is judged like any other message. */
export type OwnMail = {
  readonly recipient: Mailbox
  readonly header: Buffer
  readonly body: readonly Buffer[]
  readonly eightBit: boolean
  readonly smtputf8: boolean
}

const loopback = '127.0.0.1' as string as IpAddress

/** Evidence of our own mail: source `self`, null reverse-path. It reads the author out of the message, so that a slip of ours is judged too. */
export function evidenceOfOurOwn(operator: Domain, own: OwnMail): Evidence {
  const { header, body, eightBit, smtputf8, recipient } = own
  const size = header.length + 2 + body.reduce((sum, piece) => sum + piece.length, 0)
  const { facts } = readMessage({ header, size, eightBit }, defaultHeaderLimits, smtputf8)
  return {
    fault: null,
    session: { listener: 'self', client: loopback, greeting: null, tls: null },
    connection: { kind: 'self', operator: verified(operator, 'built-in') },
    m365: null,
    google: null,
    envelope: { reversePath: null, srsShaped: false, recipients: [recipient], smtputf8 },
    message: { ...facts, class: 'notification' },
    claims: { tenant: null, originator: null },
  }
}
