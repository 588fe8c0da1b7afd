import { formatFeedbackId } from '../../../standards/message/feedback-id.ts'
import { type HeaderSection, fieldsNamed } from '../../../standards/message/header-section.ts'
import type { StoredMessage } from '../../custody/custody.ts'
import type { CleanHeader } from './header-hygiene.ts'

const name = 'feedback-id'
const none = Buffer.alloc(0)

/**
 * The field by which receivers with a feedback loop count complaints: whose mail it is and where it came from, in names of the policy.
 * One that the author wrote stays and ours is left out, since a reader takes one only; mail of our own has none.
 */
export function feedbackIdField(
  { permit }: StoredMessage,
  stored: HeaderSection,
  { removed }: CleanHeader,
  sender: string,
): Buffer {
  const written = fieldsNamed(stored, name).length - removed.filter((one) => one === name).length
  if (permit.attribution.kind === 'self' || written > 0) return none
  const { customer, source, class: kind } = permit
  return Buffer.from(`Feedback-ID: ${formatFeedbackId({ customer, source, class: kind, sender })}\r\n`)
}
