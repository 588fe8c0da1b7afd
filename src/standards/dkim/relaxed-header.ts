const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const colon = 0x3a

/**
 * One header field under relaxed canonicalisation (RFC 6376 §3.4.2), without a CRLF at the end. `field` is the whole field, folding and
 * final CRLF included; octets without a colon are a name and no value.
 */
export function relaxedField(field: Buffer): Buffer {
  const target = Buffer.allocUnsafe(field.length + 1)
  return target.subarray(0, writeRelaxedField(field, 0, field.length, target, 0))
}

/**
 * Writes the relaxed form of the field that lies in `source` from `start` to `end` into `target` at `at`, and answers where it ends.
 * It is at most one octet longer than the field.
 */
export function writeRelaxedField(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const found = source.indexOf(colon, start)
  const nameEnd = found === -1 || found >= end ? end : found
  const afterName = writeName(source, start, nameEnd, target, at)
  target[afterName] = colon
  return writeValue(source, nameEnd + 1, end, target, afterName + 1)
}

function writeName(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  let last = end
  while (last > start && isBlankOrBreak(source[last - 1])) last--
  let to = at
  for (let from = start; from < last; from++) {
    const octet = source[from] as number
    target[to++] = octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet
  }
  return to
}

function writeValue(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  let to = at
  let blank = false
  for (let from = start; from < end; from++) {
    const octet = source[from] as number
    if (octet === space || octet === tab) {
      blank = true
    } else if (octet === carriageReturn && source[from + 1] === lineFeed) {
      from++
    } else {
      if (blank && to > at) target[to++] = space
      blank = false
      target[to++] = octet
    }
  }
  return to
}

function isBlankOrBreak(octet: number | undefined): boolean {
  return octet === space || octet === tab || octet === carriageReturn || octet === lineFeed
}
