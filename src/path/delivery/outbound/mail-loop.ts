import { type HeaderSection, fieldValue, fieldsNamed } from '../../../standards/message/header-section.ts'

/** RFC 5321 §6.3: a simple count of Received fields, of at least 100. */
const maxHops = 100

/** Mail may pass through us more than once on an honest way; more often than this it goes in a circle. */
const maxOwnHops = 5

/** Why the message goes in a circle, or null. */
export function loopReason(section: HeaderSection, hostname: string): string | null {
  const received = fieldsNamed(section, 'received')
  if (received.length >= maxHops) return `the message has passed ${received.length} hosts`
  const ours = `by ${hostname.toLowerCase()} (anechoic)`
  const own = received.filter((field) => fieldValue(section, field).replace(/\s+/g, ' ').toLowerCase().includes(ours))
  return own.length >= maxOwnHops ? `the message has passed this relay ${own.length} times` : null
}
