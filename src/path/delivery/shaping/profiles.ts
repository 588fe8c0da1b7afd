import type { ReplyClass } from '../../../standards/smtp/reply-patterns.ts'

/** So many messages in so many milliseconds. */
export type Rate = { readonly messages: number; readonly per: number }

/** What a site may be given from one of our addresses. */
export type Limits = {
  readonly connections: number
  readonly messagesPerConnection: number
  /** null: as fast as it takes them. */
  readonly rate: Rate | null
  /** Milliseconds that a connection may rest between two messages. */
  readonly idle: number
}

/** From how many replies on something is done. */
export type Threshold = {
  /** Messages that were answered so, each counted once. */
  readonly replies: number
  /** Milliseconds in which they came. */
  readonly within: number
  /** The part of all messages of that time that they are, at least; from 0 to 1. */
  readonly share: number
  /** Whether only refusals for good count. */
  readonly permanent: boolean
  /** To so many recipient domains, at least. */
  readonly domains: number
}

/** What a class of replies has for consequences. */
export type Step =
  /** The first `times` waits are this long, in milliseconds, instead of those of the retry clock. */
  | { readonly do: 'retry'; readonly after: number; readonly times: number }
  /** Rate and connections times `factor`, down to `least`; they come back in `steps` over the milliseconds of `for`. */
  | (Threshold & {
      readonly do: 'slow'
      readonly factor: number
      readonly least: number
      readonly for: number
      readonly steps: number
    })
  /** Nothing goes there from this address, customer or source; twice as long each time again, up to `most`. */
  | (Threshold & {
      readonly do: 'suspend'
      readonly what: 'address' | 'customer' | 'source'
      readonly for: number
      readonly most: number
    })
  /** The recipient has failed: by a reply for good, or, with `temporary`, by any of this class. */
  | { readonly do: 'bounce'; readonly temporary: boolean }

/** Where in which file something was written. */
export type Origin = { readonly profile: string; readonly file: string; readonly line: number }
export type Given<T> = { readonly value: T; readonly from: Origin }

/** Words of a receiver that mean a class, whatever its codes say. Lower case. */
export type Saying = { readonly says: string; readonly class: ReplyClass }

/** What a file says of the sites that it names. */
export type Profile = {
  readonly name: string
  /** Whether it is of the operator's file alone. */
  readonly own: boolean
  /** Host names of which an MX host must be one, or end with one behind a dot. Lower case. */
  readonly mx: readonly string[]
  readonly domains: readonly string[]
  /** Whether all its sites are one, since the receiver counts them together. */
  readonly oneSite: boolean
  readonly date: string | null
  readonly why: string | null
  readonly source: string | null
  readonly limits: { readonly [Name in keyof Limits]?: Given<Limits[Name]> }
  readonly replies: Given<readonly Saying[]> | null
  readonly actions: { readonly [Class in ReplyClass]?: Given<readonly Step[]> }
}

/** All profiles. `fallback` says everything that none of the others says. */
export type Profiles = { readonly fallback: Profile; readonly others: readonly Profile[] }

/** What holds for a site, and who says so. */
export type Terms = {
  /** Those that say something, the first first. */
  readonly profiles: readonly Profile[]
  readonly limits: { readonly [Name in keyof Limits]: Given<Limits[Name]> }
  readonly replies: readonly Saying[]
  readonly actions: { readonly [Class in ReplyClass]: Given<readonly Step[]> }
  /** The profile that makes all its sites one, or null. */
  readonly oneSite: string | null
}
