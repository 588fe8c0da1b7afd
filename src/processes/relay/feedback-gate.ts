import { type DecisionId, DecisionIds, type RuleId, replyTo } from '../../path/decision/index.ts'
import type { Gate, IngressFault, Session, Transaction } from '../../path/ingress/index.ts'
import type { Clock } from '../../platform/clock.ts'
import { type Enclosed, type FeedbackDoor, feedbackShard } from '../../rooms/feedback/index.ts'
import { formatMailbox } from '../../standards/names/mailbox.ts'
import { formatReply } from '../../standards/smtp/format-reply.ts'
import { type Reply, reply } from '../../standards/smtp/reply.ts'

const emptyLine = Buffer.from('\r\n')

/**
 * What a feedback listener asks at each step. It has the door of the feedback room and nothing else: no custody, no policy, no signer, so
 * that nothing which comes in here can be relayed by whatever mistake (docs/powers.md).
 */
export function feedbackGate(door: FeedbackDoor, clock: Clock): Gate {
  const ids = new DecisionIds(() => clock.now(), feedbackShard, Math.random)
  return {
    authenticate: () => Promise.resolve(false),
    onMail: () => Promise.resolve(null),
    onRcpt: (_session, _transaction, { mailbox }) =>
      Promise.resolve(
        door.admits(mailbox) ? null : reply(550, '5.1.1', '[unknown-recipient] nobody here has this address'),
      ),
    onEndOfData: async (session, transaction, message) => {
      const id = ids.next()
      const about = { ...enclosed(id, clock.now(), session, transaction), kind: 'mail' } as const
      const taken = await door.take(about, [message.header, emptyLine, ...message.body])
      switch (taken) {
        case 'taken':
          return reply(250, '2.0.0', `[feedback-accepted] the report is kept (${id})`)
        case 'full':
          return replyTo('storage-full', null, id)
        case 'too-often':
          return replyTo('rate-exceeded', 'this network', id)
        default:
          return taken satisfies never
      }
    },
    onFault: async (session, transaction, fault) => {
      const id = ids.next()
      const { rule, about } = ruleOf(fault)
      const heard = replyTo(rule, about, id)
      await noteRefusal(door, { id, at: clock.now(), rule, heard, session, transaction })
      return heard
    },
  }
}

/** The rules are those of every listener; a fault of form has the same words wherever it is made. */
function ruleOf(fault: IngressFault): { readonly rule: RuleId; readonly about: string | null } {
  switch (fault.kind) {
    case 'line-endings':
      return { rule: fault.kind, about: null }
    case 'message-too-big':
    case 'too-many-recipients':
      return { rule: fault.kind, about: String(fault.limit) }
    case 'message-malformed':
      return { rule: fault.kind, about: fault.reason }
    default:
      return fault satisfies never
  }
}

async function noteRefusal(
  door: FeedbackDoor,
  refusal: {
    readonly id: DecisionId
    readonly at: number
    readonly rule: RuleId
    readonly heard: Reply
    readonly session: Session
    readonly transaction: Transaction | null
  },
): Promise<void> {
  const { id, at, rule, heard, session, transaction } = refusal
  const line = formatReply(heard).trimEnd()
  await door.take({ ...enclosed(id, at, session, transaction), kind: 'refused', rule, reply: line }, [])
}

function enclosed(
  id: DecisionId,
  at: number,
  { listener, client, greeting }: Session,
  transaction: Transaction | null,
): Pick<Enclosed, 'id' | 'at' | 'listener' | 'client' | 'greeting' | 'mailFrom' | 'recipients'> {
  const from = transaction?.reversePath ?? null
  return {
    id,
    at,
    listener,
    client: client.address,
    greeting: greeting?.claimed ?? '',
    mailFrom: from === null ? null : formatMailbox(from),
    recipients: (transaction?.forwardPaths ?? []).map(({ mailbox }) => formatMailbox(mailbox)),
  }
}
