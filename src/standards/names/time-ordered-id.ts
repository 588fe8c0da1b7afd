/** Crockford's base32 digits: no i, l, o or u, and in ASCII order, so that ids sort as numbers do. */
export const crockfordDigits = '0123456789abcdefghjkmnpqrstvwxyz'

/** Milliseconds since the epoch that the first nine digits of a time-ordered id say; 0 where they are no digits. */
export function timeOfId(id: string): number {
  let value = 0
  for (const letter of id.slice(0, 9)) {
    const digit = crockfordDigits.indexOf(letter)
    if (digit === -1) return 0
    value = value * 32 + digit
  }
  return value
}
