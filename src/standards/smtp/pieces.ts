/** Pieces at least this long are kept where they lie. */
const largePiece = 16_384
const largeSlab = 65_536

/**
 * Gathers octets from pieces of any size so that what it keeps alive stays below about twice the octets it holds: small pieces are
 * copied together, once, and a piece is kept by reference only where it fills most of the memory under it.
 */
export class Pieces {
  readonly #done: Buffer[] = []
  /** One small piece, kept uncopied until a second one comes: most messages are a single piece. */
  #only: Buffer | null = null
  #slab: Buffer | null = null
  #used = 0

  append(piece: Buffer): void {
    if (piece.length === 0) return
    if (piece.length >= largePiece && isSnug(piece)) {
      this.#seal()
      this.#done.push(piece)
    } else if (this.#only === null && this.#slab === null && this.#done.length === 0) {
      this.#only = piece
    } else {
      this.#gather(piece)
    }
  }

  /** All pieces in order. The object is empty afterwards. */
  take(): Buffer[] {
    this.#seal()
    return this.#done.splice(0)
  }

  #gather(piece: Buffer): void {
    const first = this.#only
    this.#only = null
    if (first !== null) this.#copy(first)
    this.#copy(piece)
  }

  #copy(piece: Buffer): void {
    for (let from = 0; from < piece.length;) {
      if (this.#slab === null || this.#used === this.#slab.length) {
        this.#seal()
        this.#slab = Buffer.allocUnsafeSlow(this.#done.length === 0 ? largePiece : largeSlab)
      }
      const copied = piece.copy(this.#slab, this.#used, from)
      this.#used += copied
      from += copied
    }
  }

  #seal(): void {
    if (this.#only !== null) this.#done.push(snug(this.#only))
    if (this.#slab !== null && this.#used > 0) this.#done.push(snug(this.#slab.subarray(0, this.#used)))
    this.#only = null
    this.#slab = null
    this.#used = 0
  }
}

/** The piece itself, or a copy where it would keep far more memory alive than it shows. */
function snug(piece: Buffer): Buffer {
  if (isSnug(piece)) return piece
  const copy = Buffer.allocUnsafeSlow(piece.length)
  piece.copy(copy)
  return copy
}

function isSnug(piece: Buffer): boolean {
  return piece.buffer.byteLength <= 2 * piece.length + 4096
}
