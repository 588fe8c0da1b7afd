const NUL = 0x00
const LF = 0x0a
const CR = 0x0d

/**
 * The offset in `bytes[from, to)` where the line discipline of RFC 5321 §2.3.8 is first seen to break: the octet after a CR
 * that is no LF, a LF without a CR before it, or a NUL; -1 when it holds. `afterCr` says that the octet before `from` is a CR. A CR
 * at `to - 1` is left to the caller, who sees what follows.
 */
export function findLineEndingFault(bytes: Uint8Array, from: number, to: number, afterCr: boolean): number {
  if (to - from < worthWords) return scan(bytes, from, to, afterCr).at
  const head = from + ((wordSize - ((bytes.byteOffset + from) % wordSize)) % wordSize)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, Math.floor((to - head) / wordSize))
  let state = scan(bytes, from, head, afterCr)
  for (let index = 0; state.at === -1 && index < words.length; index++) {
    const word = words[index] as number
    if (!state.afterCr && ((word - aboveCr) & ~word & highBits) === 0) continue
    const at = head + index * wordSize
    state = scan(bytes, at, at + wordSize, state.afterCr)
  }
  return state.at === -1 ? scan(bytes, head + words.length * wordSize, to, state.afterCr).at : state.at
}

const wordSize = 4

/** Below this many octets looking at four at a time does not pay. */
const worthWords = 64

/** A word less `aboveCr` borrows into the high bit of an octet exactly where one is a control character up to CR. */
const aboveCr = 0x0e0e0e0e
const highBits = 0x80808080

type Scanned = { readonly at: number; readonly afterCr: boolean }

const clean: Scanned = { at: -1, afterCr: false }
const cleanAfterCr: Scanned = { at: -1, afterCr: true }

function scan(bytes: Uint8Array, from: number, to: number, afterCr: boolean): Scanned {
  let pendingCr = afterCr
  for (let at = from; at < to; at++) {
    const octet = bytes[at] as number
    if (octet > CR) {
      if (pendingCr) return { at, afterCr: false }
      continue
    }
    if (octet === LF) {
      if (!pendingCr) return { at, afterCr: false }
      pendingCr = false
    } else if (pendingCr) {
      return { at, afterCr: false }
    } else if (octet === CR) {
      pendingCr = true
    } else if (octet === NUL) {
      return { at, afterCr: false }
    }
  }
  return pendingCr ? cleanAfterCr : clean
}
