import { z } from 'zod'

/** A field with its documentation: what `docs/config.md` says of it. */
export const described = <T extends z.ZodType>(field: T, words: string): T => field.describe(words)

/** Checks of fields against each other run even when one of them is bad by itself, so that every problem is told at once. */
export const always = { when: ({ value }: { readonly value: unknown }) => typeof value === 'object' && value !== null }
export const alwaysInLists = { when: ({ value }: { readonly value: unknown }) => Array.isArray(value) }

export const path = z.string().min(1, 'is empty')

/** A certificate that we present. */
export const tls = z.strictObject({
  cert: described(path, 'PEM file: the certificate, then its intermediates.'),
  key: described(path, 'PEM file: the private key.'),
})

/** The positions of values that stand earlier in the list too. */
export function repeats(values: readonly (string | undefined)[]): readonly number[] {
  return values.flatMap((value, at) => (value !== undefined && values.indexOf(value) < at ? [at] : []))
}
