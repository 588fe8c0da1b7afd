import type { Evidence } from '../evidence/evidence.ts'
import type { DecisionId, DecisionRecord } from './decision.ts'
import { rules } from './rules.ts'
import { forPeople } from './wire.ts'
import { timeOfDecisionId } from './decision-id.ts'
import { formatMailbox } from '../../standards/names/mailbox.ts'

/**
 * A recorded decision told in words, line by line: what connected, what that proves, what was only claimed, whom the message speaks for,
 * which rule answered and what would make it pass. All text of the peer is escaped.
 */
export function explain(id: DecisionId, record: DecisionRecord): readonly string[] {
  const { evidence, rule } = record
  const { title, remedy, fixer } = rules[rule]
  return [
    `Decision ${id}, ${new Date(timeOfDecisionId(id)).toISOString()}: ${outcome(record)}`,
    '',
    'What connected',
    ...indent(connected(evidence)),
    'What that proves',
    ...indent(provenBy(evidence)),
    ...section('What was claimed, and ignored', ignored(evidence)),
    'For whom it speaks',
    ...indent(spokenFor(evidence)),
    'How it was judged',
    ...indent([
      `${record.policyVersion === 0 ? 'No policy could be had' : `By version ${record.policyVersion} of the policy`}${moments[record.at]}.`,
      concerned(record),
      `Rule ${rule}: ${title}.`,
      `Because: ${forPeople(record.because)}.`,
      ...standing(record),
      ...leftOut(record),
      `Said on the wire: ${forPeople(record.reply, 512)}`,
    ]),
    rule === 'accepted' ? 'What is to be done' : 'What would make it pass',
    ...indent([remedy, `Who can do it: ${fixer}.`]),
  ]
}

const moments = {
  mail: ', at MAIL, before the message was sent',
  rcpt: ', at RCPT, before the message was sent',
  data: '',
}

function outcome({ verdict }: DecisionRecord): string {
  switch (verdict) {
    case 'relay':
      return 'accepted, to be signed and delivered'
    case 'hold':
      return 'accepted and held, unsigned and undelivered'
    case 'refuse':
      return 'refused for good; nothing was kept'
    case 'defer':
      return 'not now; the client keeps the message and tries again'
    default:
      return verdict satisfies never
  }
}

/** Who is on the list of the customer, where the message was taken all the same. */
function leftOut({ suppressed, verdict }: DecisionRecord): readonly string[] {
  if (suppressed === undefined || (verdict !== 'relay' && verdict !== 'hold')) return []
  return [
    `On the suppression list of ${suppressed.customer}, so not sent to: ${forPeople(suppressed.recipients.join(', '))}.`,
  ]
}

function connected({ session }: Evidence): readonly string[] {
  const greeting =
    session.greeting === null
      ? 'without a greeting'
      : `calling itself ${forPeople(session.greeting.claimed)} (a name proves nothing)`
  const { tls } = session
  const certificate =
    tls?.certificate == null ? 'no client certificate' : `client certificate ${forPeople(tls.certificate)}`
  return [
    `${session.client} on the listener ${session.listener}, ${greeting}.`,
    tls === null
      ? 'The connection was not encrypted.'
      : `The connection was encrypted: ${forPeople(tls.protocol)}, ${forPeople(tls.cipher)}, ${certificate}.`,
  ]
}

function provenBy({ connection, m365, google }: Evidence): readonly string[] {
  switch (connection.kind) {
    case 'm365': {
      const first = `Microsoft 365, by its address (${connection.network.value}) and its certificate (${forPeople(connection.certificate.value)}). That is the provider, not the tenant.`
      if (m365 === null) return [first, 'The trust fields of the provider were not read.']
      return [
        first,
        `Tenant ${m365.tenant?.value ?? 'not named'}, originator domain ${m365.originator?.value ?? 'not named'}${m365.consumer ? ': the consumer service' : ''}.`,
        `Entered the tenant as ${m365.authAs ?? 'nobody knows'} from ${m365.entity ?? 'nowhere named'}${m365.attributed === null ? '' : `, by the host ${m365.attributed.address} of tenant ${m365.attributed.tenant}`}.`,
        ...(connection.relayPool
          ? ['It came from the relay pool, where the provider itself does not vouch for the tenant.']
          : []),
        ...m365.duplicates.map((name) => `There more than once, or in a look-alike form: ${forPeople(name)}.`),
        ...m365.malformed.map((name) => `Without a readable value: ${forPeople(name)}.`),
        ...m365.conflicts.map((words) => `Contradiction: ${forPeople(words)}.`),
        ...m365.doubts.map((words) => `It could not be looked up whether this is genuine: ${forPeople(words)}.`),
        `DKIM of the provider: ${m365.dkim}; ARC of the provider: ${m365.arc}.`,
        ...m365.findings.map((words) => `${forPeople(words)}.`),
      ]
    }
    case 'google': {
      const first = `Google, by its address (${connection.network.value}). That is the provider, not the Workspace.`
      if (google === null) return [first]
      return [
        first,
        google.domain === null
          ? `No signature of the author's own domain was proven: ${google.dkim}.`
          : `The Workspace, by the signature of ${google.domain.value}.`,
        ...(google.relayingDomain === null
          ? []
          : [`X-Relaying-Domain, which is unsigned, names ${forPeople(google.relayingDomain)}.`]),
        ...google.duplicates.map((name) => `There more than once: ${forPeople(name)}.`),
        ...google.conflicts.map((words) => `Contradiction: ${forPeople(words)}.`),
        ...google.doubts.map((words) => `It could not be looked up whether this is genuine: ${forPeople(words)}.`),
        ...google.findings.map((words) => `${forPeople(words)}.`),
      ]
    }
    case 'smtp-auth':
      return [`The account ${forPeople(connection.account.value)}, by its password.`]
    case 'mtls':
      return [`The client certificate ${forPeople(connection.fingerprint.value)}, which the policy lists.`]
    case 'network':
      return [`The address ${connection.address.value}, which the policy lists.`]
    case 'self':
      return ['This relay itself: a notification of ours.']
    case 'unproven':
      return [`Nobody: ${forPeople(connection.because)}.`]
    case 'lookup-failed':
      return [`It is not known: ${forPeople(connection.because)}.`]
    default:
      return connection satisfies never
  }
}

function ignored({ claims }: Evidence): readonly string[] {
  return [
    ...(claims.tenant === null
      ? []
      : [`A field named the tenant ${forPeople(claims.tenant.claimed)}; on this connection anybody can write that.`]),
    ...(claims.originator === null
      ? []
      : [
          `A field named the originator ${forPeople(claims.originator.claimed)}; on this connection anybody can write that.`,
        ]),
  ]
}

function spokenFor({ envelope, message }: Evidence): readonly string[] {
  const reversePath =
    envelope.reversePath === null ? 'null (<>)' : `<${forPeople(formatMailbox(envelope.reversePath))}>`
  const recipients = envelope.recipients.length
  const lines = [`Reverse-path ${reversePath}, ${recipients} ${recipients === 1 ? 'recipient' : 'recipients'}.`]
  if (message === null) return [...lines, 'No header section was seen.']
  const author =
    message.author.kind === 'mailbox'
      ? `<${forPeople(formatMailbox(message.author.mailbox))}>`
      : `not readable: ${forPeople(message.author.reason)}`
  lines.push(`Author (From) ${author}. Class ${message.class}, ${message.size} octets.`)
  for (const { field, domain } of message.otherAuthors) lines.push(`${field} of ${domain ?? 'no readable domain'}.`)
  const hops = message.received ?? []
  if (hops.length > 0) {
    const path = hops.map(({ from, address }) => forPeople(from ?? address ?? 'unnamed', 80)).join(', before that ')
    lines.push(`Its Received fields say it came from ${path}; they are recorded and prove nothing.`)
  }
  if (message.subject !== null) lines.push(`Subject: ${forPeople(message.subject, 100)}`)
  return lines
}

function concerned({ customer, source, grant }: DecisionRecord): string {
  if (customer === null) return 'It concerns no customer of this relay.'
  const from = source === null ? 'from no source of the policy' : `from the source ${source}`
  return `It concerns the customer ${customer}, ${from}, ${grant === null ? 'without a grant' : `under the grant ${grant}`}.`
}

function standing({ standing: { suspended, hold } }: DecisionRecord): readonly string[] {
  return [
    ...(suspended === null ? [] : [`The source was suspended: ${forPeople(suspended.reason)}.`]),
    ...(hold === null ? [] : [`A hold was in force: ${forPeople(hold.reason)}.`]),
  ]
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...indent(lines)]
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`)
}
