import { formatMailbox } from '../../../standards/names/mailbox.ts'
import { type Check, finding } from './matter.ts'

export const lineEndings: Check = ({ evidence: { fault } }) =>
  fault?.kind === 'line-endings'
    ? finding(`a bare CR, a bare LF or a NUL in ${fault.where === 'data' ? 'the data' : 'a command'}`)
    : null

export const messageTooBig: Check = ({ evidence: { fault } }) =>
  fault?.kind === 'message-too-big' ? finding(`over the limit of ${fault.limit} octets`, `${fault.limit} octets`) : null

export const tooManyRecipients: Check = ({ evidence: { fault } }) =>
  fault?.kind === 'too-many-recipients'
    ? finding(`over the limit of ${fault.limit} recipients`, String(fault.limit))
    : null

export const storageFull: Check = ({ evidence: { fault } }) =>
  fault?.kind === 'storage-full' ? finding('custody has no room') : null

/**
 * The list is that of the customer whom the connection proves; a claim asks no list, or anyone could read it out. Where somebody else is
 * to get the message too it is taken, and delivery leaves out who is listed: the others have done nothing.
 */
export const suppressed: Check = ({ evidence, policy, suppressed: listed, subject: { source } }) => {
  if (policy === null || source === null || listed === undefined || listed.customer !== source.customer) return null
  if (policy.customers.get(source.customer)?.suppression === 'discard') return null
  const recipients = evidence.envelope.recipients.map(formatMailbox)
  const [first] = recipients
  if (first === undefined || recipients.some((one) => !listed.recipients.includes(one))) return null
  const who = recipients.length === 1 ? first : `each of the ${recipients.length} recipients`
  return finding(`${who} is on the suppression list of ${source.customer}`, who)
}

export const messageMalformed: Check = ({ evidence: { fault, message } }) => {
  if (fault?.kind === 'message-malformed') return finding(fault.reason, fault.reason)
  if (message === null) return finding('there is no readable header section', 'there is none')
  return message.malformed === null ? null : finding(message.malformed, message.malformed)
}

export const sourceUnproven: Check = ({ evidence: { connection }, policy, subject: { source } }) => {
  switch (connection.kind) {
    case 'unproven':
      return finding(connection.because)
    case 'smtp-auth':
    case 'mtls':
    case 'network':
      if (policy === null || source !== null) return null
      return finding(`the policy lists no such ${connection.kind} source (any more)`)
    case 'm365':
    case 'google':
    case 'self':
    case 'lookup-failed':
      return null
    default:
      return connection satisfies never
  }
}
