/** A private key that another program's configuration names. */
export type FoundKey = {
  readonly domain: string
  readonly selector: string
  /** Where the key is, or the key itself as that program keeps it. */
  readonly at: { readonly kind: 'file'; readonly path: string } | { readonly kind: 'inline'; readonly text: string }
}

/** What a configuration names, and what in it cannot be taken over, in words. */
export type FoundKeys = { readonly keys: readonly FoundKey[]; readonly problems: readonly string[] }

/** Longer texts are not read, in characters. */
export const longestText = 4 * 1024 * 1024

/** The same key may be named for several addresses of a domain. */
export function withoutRepeats(keys: readonly FoundKey[]): readonly FoundKey[] {
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()]
}
