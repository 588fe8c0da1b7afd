import { createHash } from 'node:crypto'
import type { Domain } from '../names/domain.ts'

/**
 * `Feedback-ID: CUSTOMER:SOURCE:CLASS:SENDER` (the form that Gmail's feedback loop reads): up to three names of a stream of mail, and at
 * the end a name of whoever sends it, 5 to 15 letters and digits, the same in all mail. Nothing in it tells of one message or recipient.
 */
export type FeedbackId = {
  readonly customer: string
  readonly source: string
  readonly class: string
  readonly sender: string
}

export function formatFeedbackId({ customer, source, class: kind, sender }: FeedbackId): string {
  return `${customer}:${source}:${kind}:${sender}`
}

const name = /^[A-Za-z0-9-]{1,64}$/

/** Reads one that has our form; null for anybody else's. */
export function readFeedbackId(value: string): FeedbackId | null {
  const parts = value.slice(0, 300).trim().split(':')
  const [customer = '', source = '', kind = '', sender = '', more] = parts
  if (more !== undefined || ![customer, source, kind, sender].every((part) => name.test(part))) return null
  return { customer, source, class: kind, sender }
}

/** The last part of a value, which names the sender: what its reader counts by. */
export function senderOf(value: string): string {
  return value.slice(value.lastIndexOf(':') + 1).trim()
}

const longest = 15
const shortest = 5
const hashDigits = 6

/** The sender name of a domain: its letters and digits, and where they are too many or too few, some with a hash behind. */
export function senderNameOf(domain: Domain): string {
  const letters = domain.replace(/[^a-z0-9]/g, '')
  if (letters.length >= shortest && letters.length <= longest) return letters
  const hash = createHash('sha256').update(domain).digest('hex').slice(0, hashDigits)
  return `${letters.slice(0, longest - hashDigits)}${hash}`
}
