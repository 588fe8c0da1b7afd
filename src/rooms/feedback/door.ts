import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type IpAddress, bitsOf, blockKey } from '../../standards/names/ip.ts'
import { type Mailbox, formatMailbox } from '../../standards/names/mailbox.ts'
import { looksReturned, readReturnLocalPart } from '../../standards/return-path/index.ts'
import type { Secret } from '../../standards/secret.ts'
import type { Enclosed, Letterbox } from './letterbox.ts'

/** The feedback listener's whole power: to say who may be written to, and to put mail into the letterbox. */
export interface FeedbackDoor {
  /** Whether mail for this address is taken in here. */
  admits(recipient: Mailbox): boolean
  /** Durable when it resolves to `taken`. */
  take(about: Enclosed, octets: readonly Buffer[]): Promise<'taken' | 'full' | 'too-often'>
}

export type FeedbackDoorOptions = {
  /** `feedback.addresses` */
  readonly addresses: readonly string[]
  readonly hostname: Domain
  readonly operatorDomain: Domain
  readonly returnPathKey: Secret<Buffer>
  readonly letterbox: Letterbox
  readonly now: () => number
}

/** Mail from one network within a window, refusals included: a large receiver's reports stay far below it, and the rest comes later. */
const mostFromOne = 500
const windowMs = 300_000
const mostNetworks = 20_000

export function openFeedbackDoor(options: FeedbackDoorOptions): FeedbackDoor {
  const { letterbox, returnPathKey, now } = options
  const known = knownAddresses(options)
  const counts = new Map<string, number>()
  let until = 0
  const charge = (client: IpAddress): boolean => {
    if (now() >= until || counts.size >= mostNetworks) {
      counts.clear()
      until = now() + windowMs
    }
    const network = networkOf(client)
    const count = (counts.get(network) ?? 0) + 1
    counts.set(network, count)
    return count <= mostFromOne
  }
  return {
    admits: (recipient) => {
      if (known.has(formatMailbox(recipient).toLowerCase())) return true
      const { localPart, domain } = recipient
      return looksReturned(localPart) && !isSyntaxFault(readReturnLocalPart(returnPathKey, localPart, domain, now()))
    },
    take: async (about, octets) => (charge(about.client) ? letterbox.drop(about, octets) : 'too-often'),
  }
}

/** Case tells no two addresses of ours apart (RFC 5321 §2.4 leaves that to the receiver). */
function knownAddresses({ addresses, hostname, operatorDomain }: FeedbackDoorOptions): ReadonlySet<string> {
  const roles = [hostname, operatorDomain].flatMap((domain) => [`postmaster@${domain}`, `abuse@${domain}`])
  return new Set([...addresses, ...roles].map((address) => address.toLowerCase()))
}

/** IPv4 by /24, IPv6 by /56: what one party is given. */
function networkOf(client: IpAddress): string {
  return blockKey(client, bitsOf(client) === 32 ? 24 : 56)
}
