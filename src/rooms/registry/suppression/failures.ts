import type { StoredEvent } from '../../ledger/index.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { readListedAddress } from './address.ts'

/** What an event says of an address: that its owner complained, or that mail to it failed for a reason of a class. */
export type Failure = {
  readonly customer: string
  readonly address: string
  readonly kind: 'complaint' | 'bounce'
  /** The class of the refusal; of a complaint `complaint`. */
  readonly class: string
  readonly at: number
  /** The message that it is about. */
  readonly event: string
  /** What the receiver said. */
  readonly words: string
}

const longestWords = 300

/**
 * Reads what an event has against addresses. A refusal counts only where the receiver itself gave it; that a domain is not there is said by
 * DNS, to us.
 */
export function failuresOf(event: StoredEvent): readonly Failure[] {
  const { customer, detail } = event
  if (customer === null || customer === 'self') return []
  switch (event.kind) {
    case 'failed': {
      const isOfDomain = detail['class'] === 'domain'
      const saidByReceiver = isRefusal(detail['reply']) && detail['remote'] !== null && detail['remote'] !== undefined
      return saidByReceiver || isOfDomain ? told(event, customer, 'bounce') : []
    }
    case 'bounced-later':
      return told(event, customer, 'bounce')
    case 'complained':
      return told(event, customer, 'complaint')
    default:
      return []
  }
}

function told(event: StoredEvent, customer: string, kind: Failure['kind']): readonly Failure[] {
  const { detail, at, id } = event
  const listed = Array.isArray(detail['recipients']) ? detail['recipients'] : [detail['recipient']]
  const words = typeof detail['reply'] === 'string' ? detail['reply'].slice(0, longestWords) : ''
  const failure = kind === 'complaint' ? 'complaint' : detail['class']
  if (typeof failure !== 'string') return []
  return listed.flatMap((text) => {
    const address = typeof text === 'string' ? readListedAddress(text) : null
    if (address === null || isSyntaxFault(address)) return []
    return [{ customer, address, kind, class: failure, at, event: id, words }]
  })
}

/** A reply for good (RFC 5321 §4.2.1), with its code. */
function isRefusal(reply: unknown): boolean {
  return typeof reply === 'string' && /^5\d\d[ -]/.test(reply)
}
