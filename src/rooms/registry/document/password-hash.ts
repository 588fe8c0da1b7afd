const phc =
  /^\$argon2id\$v=19\$m=([1-9][0-9]{0,7}),t=([1-9][0-9]{0,2}),p=([1-9][0-9]?)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** What one verification may cost, so that no line of policy can stop the relay: 1 GiB, 100 passes, 16 lanes. */
const most = { memoryKib: 1_048_576, passes: 100, lanes: 16 }

/** Whether the text is an argon2id hash in PHC form (RFC 9106; version 1.3, salt of 8 to 48 octets, hash of 16 to 64) of bearable cost. */
export function isPasswordHash(text: string): boolean {
  const match = text.length <= 256 ? phc.exec(text) : null
  if (match === null) return false
  const [memory, passes, lanes] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (memory < 8 * lanes || memory > most.memoryKib || passes > most.passes || lanes > most.lanes) return false
  const salt = octetsOf(match[4] ?? '')
  const hash = octetsOf(match[5] ?? '')
  return salt >= 8 && salt <= 48 && hash >= 16 && hash <= 64
}

/** Octets behind unpadded base64, or -1 when no number of octets gives that many characters. */
function octetsOf(base64: string): number {
  return base64.length % 4 === 1 ? -1 : Math.floor((base64.length * 3) / 4)
}
