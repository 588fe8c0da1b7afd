import type { Arrival } from '../world/receiver.ts'
import type { SmtpReply } from '../world/smtp-client.ts'
import type { World } from '../world/world.ts'
import type { StoryWorld } from './worlds.ts'

/** One story: who tries what, and what must come of it. A story plays against the real product and asserts nothing itself. */
export type Story = {
  readonly title: string
  /** The row of the threat notes that it shows, or what an honest sender expects. */
  readonly shows: string
  /** The world that it needs where that of the cast will not do. */
  readonly world?: StoryWorld
  readonly play: (world: World, stage: Stage) => Promise<Played>
  readonly expect: Expectation
  /** What must hold of the messages that arrived besides their signatures; answers what does not. */
  readonly arrived?: (arrivals: readonly Arrival[], stage: Stage) => readonly string[]
}

/** What a story gets besides the world: names of its own, so that stories do not meet. */
export type Stage = {
  readonly name: string
  readonly recipient: string
  /** Another address of this story's. What reaches it counts as this story's; the receiver refuses the word `refused`. */
  address(word: string, domain?: string): string
  /** A header section with From, To, Subject, Date, Message-ID and more fields as given; CRLF, without the empty line. */
  header(fields: HeaderFields): string
}

export type HeaderFields = {
  readonly from: string
  readonly subject?: string | undefined
  readonly contentType?: string | undefined
  /** Whole fields, each with its CRLF. */
  readonly more?: string | undefined
}

export type Played = {
  /** In words: who sent what. */
  readonly sent: string
  readonly said: SmtpReply
  /** What went wrong that the expectation does not cover, in words. */
  readonly wrong?: readonly string[]
}

export type Expectation =
  /** Refused by this rule; the receiver sees nothing. */
  | { readonly refused: string; readonly code?: number }
  /** Accepted; the receiver sees it signed for this domain, DKIM and DMARC pass. */
  | { readonly signedFor: string; readonly arrivals?: number }
  /** Whatever `wrong` and `arrived` say; so many messages arrive, and so many of them signed. */
  | { readonly told: string; readonly arrivals: number; readonly signed: number }
