/** What the DNS said for the name of a key record; `records` are the TXT records, the strings of each joined. */
export type KeyAnswer =
  | { readonly kind: 'found'; readonly records: readonly string[] }
  /** The name or the type is not there. */
  | { readonly kind: 'absent' }
  /** No answer that counts: a timeout, SERVFAIL, or a limit of ours. */
  | { readonly kind: 'unavailable' }

/** Answers by the name that was asked for, in lower case. A name that is not among them was not looked up, which is `unavailable`. */
export type KeyAnswers = ReadonlyMap<string, KeyAnswer>

/** A key record that a verification needs. */
export type KeyNeed = {
  /** `selector._domainkey.domain` in lower case: what to ask the DNS for, and the key of its answer. */
  readonly name: string
  readonly domain: string
  readonly selector: string
}

/** What a verification must be told of the world. */
export type Circumstances = {
  readonly keys: KeyAnswers
  /** Seconds since the epoch. */
  readonly now: number
}
