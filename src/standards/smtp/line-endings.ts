const NUL = 0x00
const LF = 0x0a
const CR = 0x0d

/**
 * The offset in `bytes[from, to)` where the line discipline of RFC 5321 §2.3.8 is first seen to break: the octet after a CR
 * that is no LF, a LF without a CR before it, or a NUL; -1 when it holds. `afterCr` says that the octet before `from` is a CR. A CR
 * at `to - 1` is left to the caller, who sees what follows.
 */
export function findLineEndingFault(bytes: Uint8Array, from: number, to: number, afterCr: boolean): number {
  let pendingCr = afterCr
  for (let at = from; at < to; at++) {
    const octet = bytes[at] as number
    if (octet > CR) {
      if (pendingCr) return at
      continue
    }
    if (octet === LF) {
      if (!pendingCr) return at
      pendingCr = false
    } else if (pendingCr) {
      return at
    } else if (octet === CR) {
      pendingCr = true
    } else if (octet === NUL) {
      return at
    }
  }
  return -1
}
