import type { Secret } from '../../../standards/secret.ts'
import { type Reply, reply } from '../../../standards/smtp/reply.ts'
import type { ForwardPath, Gate, IngressFault, ReceivedMessage, Session, Transaction } from '../gate.ts'

export type Accepted = {
  readonly session: Session
  readonly transaction: Transaction
  readonly message: ReceivedMessage
}

/** A gate that takes everything and remembers it, worded as the contract words judged replies. */
export class AcceptingGate implements Gate {
  readonly accepted: Accepted[] = []
  readonly faults: IngressFault[] = []
  readonly mails: Transaction[] = []

  authenticate(_: Session, username: string, password: Secret<string>): Promise<boolean> {
    return Promise.resolve(username === 'crm@acme' && password.reveal() === 'right')
  }

  onMail(_: Session, transaction: Transaction): Promise<Reply | null> {
    this.mails.push(transaction)
    return Promise.resolve(null)
  }

  onRcpt(_session: Session, _transaction: Transaction, _next: ForwardPath): Promise<Reply | null> {
    return Promise.resolve(null)
  }

  onEndOfData(session: Session, transaction: Transaction, message: ReceivedMessage): Promise<Reply> {
    this.accepted.push({ session, transaction, message })
    return Promise.resolve(reply(250, '2.0.0', '[accepted] taken (0000000000000000)'))
  }

  onFault(_session: Session, _transaction: Transaction | null, fault: IngressFault): Promise<Reply> {
    this.faults.push(fault)
    return Promise.resolve(wording[fault.kind])
  }

  /** The messages as text: header, empty line, body. */
  get texts(): string[] {
    return this.accepted.map(({ message }) =>
      [message.header, Buffer.from('\r\n'), ...message.body].map((piece) => piece.toString('latin1')).join(''),
    )
  }
}

const wording: { readonly [kind in IngressFault['kind']]: Reply } = {
  'line-endings': reply(554, '5.6.0', '[line-endings] a bare CR, LF or NUL'),
  'message-too-big': reply(552, '5.3.4', '[message-too-big] too big'),
  'too-many-recipients': reply(452, '4.5.3', '[too-many-recipients] too many'),
  'message-malformed': reply(554, '5.6.0', '[message-malformed] malformed'),
}
