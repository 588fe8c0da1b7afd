import { isSyntaxFault } from '../fault.ts'
import { type Network, parseNetwork } from '../names/ip.ts'

/** Who sends from a shared range. */
export type ProviderName =
  | 'm365'
  | 'google'
  | 'amazon-ses'
  | 'constant-contact'
  | 'mailchannels'
  | 'mailchimp'
  | 'mailgun'
  | 'mailjet'
  | 'marketo'
  | 'messagelabs'
  | 'mimecast'
  | 'proofpoint-essentials'
  | 'sendgrid'

/**
 * Address blocks from which many unrelated parties send, as published on a day. An address in one of them proves the provider and
 * nobody behind it, so no policy may name it as a source of one party. `current` is false for lists that are kept only because
 * deployed configurations still hold them.
 */
export type SharedRange = {
  readonly provider: ProviderName
  /** What the list is called where people meet it. */
  readonly name: string
  readonly source: string
  /** The day on which the list was seen, as YYYY-MM-DD. */
  readonly date: string
  readonly current: boolean
  readonly networks: readonly Network[]
}

/** Built-in tables are ours to get right: a block that does not parse is a programming error, found when the module loads. */
export function networksOf(text: string): readonly Network[] {
  return text
    .trim()
    .split(/\s+/)
    .map((one) => {
      const network = parseNetwork(one)
      if (isSyntaxFault(network)) throw new Error(`built-in network ${one}: ${network.reason}`)
      return network
    })
}
