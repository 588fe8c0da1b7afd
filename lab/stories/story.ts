import type { Arrival } from '../world/receiver.ts'
import type { SmtpReply } from '../world/smtp-client.ts'
import type { World } from '../world/world.ts'

/** One story: who tries what, and what must come of it. A story plays against the real product and asserts nothing itself. */
export type Story = {
  readonly title: string
  /** The row of the threat notes that it shows, or what an honest sender expects. */
  readonly shows: string
  readonly play: (world: World, stage: Stage) => Promise<Played>
  readonly expect: Expectation
}

/** What a story gets besides the world: names of its own, so that stories do not meet. */
export type Stage = {
  readonly recipient: string
  /** A header section with From, To, Subject, Date, Message-ID and more fields as given; CRLF, without the empty line. */
  header(fields: { readonly from: string; readonly more?: string }): string
}

export type Played = {
  readonly sent: string
  readonly said: SmtpReply
  /** Where the story sent to other recipients than its own. */
  readonly arrivals?: readonly Arrival[]
  /** What went wrong that the expectation does not cover, in words. */
  readonly wrong?: readonly string[]
}

export type Expectation =
  /** Refused by this rule; the receiver sees nothing. */
  | { readonly refused: string; readonly code?: number }
  /** Accepted; the receiver sees it signed for this domain, DKIM and DMARC pass. */
  | { readonly signedFor: string; readonly arrivals?: number }
  /** Whatever `wrong` says, and nothing signed that is not listed. */
  | { readonly told: string }
