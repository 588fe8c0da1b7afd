import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import type { Mailbox } from '../names/mailbox.ts'
import { type HeaderField, type HeaderSection, fieldsNamed, rawFieldValue } from './header-section.ts'
import { type MailboxGrammar, parseMailbox, parseMailboxList } from './mailbox-list.ts'

/** The one author: exactly one From field that holds exactly one mailbox (RFC 5322 §3.6.2, narrower). */
export function readAuthor(section: HeaderSection, grammar: MailboxGrammar): Mailbox | SyntaxFault {
  const [from, second] = fieldsNamed(section, 'from')
  if (from === undefined) return syntaxFault('there is no From field')
  if (second !== undefined) return syntaxFault('there are several From fields')
  const mailbox = parseMailbox(valueText(section, from), grammar)
  return isSyntaxFault(mailbox) ? syntaxFault(`From: ${mailbox.reason}`) : mailbox
}

/** The mailboxes of one Sender, Resent-From or Resent-Sender field. */
export function readMailboxes(
  section: HeaderSection,
  field: HeaderField,
  grammar: MailboxGrammar,
): readonly Mailbox[] | SyntaxFault {
  return parseMailboxList(valueText(section, field), grammar)
}

function valueText(section: HeaderSection, field: HeaderField): string {
  return rawFieldValue(section, field).toString('utf8')
}
