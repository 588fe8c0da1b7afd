/** Hash, octets of the key, octets of the text; then both. */
const headWords = 3
const headSize = headWords * 4
/** Entries start at multiples of it, so that a place fits into 32 bits. */
const alignment = 8
/** Octets of a piece; an entry that is longer has a piece of its own. */
const pieceSize = 1 << 20
const placesInPiece = pieceSize / alignment

/** Texts by key in a few large pieces of memory, which is next to nothing for the garbage collector, however many texts there are. */
export class Pack {
  readonly size: number
  readonly #pieces: readonly Piece[]
  /** Places of entries, and one more, by hash; 0 is free. Never more than half are taken. */
  readonly #slots: Uint32Array

  private constructor(pieces: readonly Piece[], slots: Uint32Array) {
    this.#pieces = pieces
    this.#slots = slots
    let size = 0
    for (const slot of slots) if (slot !== 0) size++
    this.size = size
  }

  static readonly empty = new Pack([], new Uint32Array(2))

  /** Of two entries with one key the later counts. */
  static of(entries: Iterable<readonly [string, string]>): Pack {
    const { set, done } = Pack.filling()
    for (const [key, text] of entries) set(key, text)
    return done()
  }

  /** For a pack that is made entry by entry. */
  static filling(): { readonly set: (key: string, text: string) => void; readonly done: () => Pack } {
    const writer = new Writer()
    return {
      set: (key, text) => writer.add(key, text),
      done: () => {
        const pieces = writer.done()
        const slots = new Uint32Array(slotsFor(writer.places.length))
        const finding = new Pack(pieces, slots)
        for (const place of writer.places) finding.#file(place)
        return new Pack(pieces, slots)
      },
    }
  }

  /** Where the entry of a key is; -1 when there is none. */
  find(key: string): number {
    return (this.#slots[this.#slotOf(hashOf(key), key)] ?? 0) - 1
  }

  keyAt(place: number): string {
    return this.#read(place, 0, wordAt(this.#pieceOf(place), place, 1))
  }

  textAt(place: number): string {
    const piece = this.#pieceOf(place)
    return this.#read(place, wordAt(piece, place, 1), wordAt(piece, place, 2))
  }

  *places(): Generator<number> {
    for (const slot of this.#slots) if (slot !== 0) yield slot - 1
  }

  #file(place: number): void {
    this.#slots[this.#slotOf(wordAt(this.#pieceOf(place), place, 0), this.keyAt(place))] = place + 1
  }

  /** The slot that a key has, or would get. */
  #slotOf(hash: number, key: string): number {
    const mask = this.#slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const place = (this.#slots[at] ?? 0) - 1
      if (place < 0 || (wordAt(this.#pieceOf(place), place, 0) === hash && this.keyAt(place) === key)) return at
    }
  }

  #read(place: number, from: number, size: number): string {
    const start = (place % placesInPiece) * alignment + headSize + from
    return this.#pieceOf(place).bytes.toString('utf8', start, start + size)
  }

  #pieceOf(place: number): Piece {
    const piece = this.#pieces[Math.floor(place / placesInPiece)]
    if (piece === undefined) throw new Error('a place outside of the pack')
    return piece
  }
}

type Piece = { readonly bytes: Buffer; readonly words: Uint32Array }

/** Writes entries one behind the other. */
class Writer {
  readonly #pieces: Piece[] = []
  #end = pieceSize
  readonly places: number[] = []

  add(key: string, text: string): void {
    const keySize = Buffer.byteLength(key)
    const textSize = Buffer.byteLength(text)
    const size = headSize + keySize + textSize
    if (this.#end + size > pieceSize) this.#open(Math.max(size, pieceSize))
    const piece = this.#pieces.at(-1)
    if (piece === undefined) throw new Error('no piece was opened')
    const start = this.#end
    piece.words.set([hashOf(key), keySize, textSize], start / 4)
    piece.bytes.write(key, start + headSize)
    piece.bytes.write(text, start + headSize + keySize)
    this.places.push((this.#pieces.length - 1) * placesInPiece + start / alignment)
    this.#end = Math.ceil((start + size) / alignment) * alignment
  }

  /** What was written, without the room behind the last entry. */
  done(): readonly Piece[] {
    const last = this.#pieces.pop()
    if (last === undefined) return []
    return [...this.#pieces, pieceOf(ownCopy(last.bytes.subarray(0, this.#end)))]
  }

  #open(size: number): void {
    this.#pieces.push(pieceOf(Buffer.allocUnsafeSlow(Math.ceil(size / alignment) * alignment)))
    this.#end = 0
  }
}

/** The octets are the whole of a memory of their own, so that words of four lie evenly in it. */
function pieceOf(bytes: Buffer): Piece {
  return { bytes, words: new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4)) }
}

function ownCopy(octets: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(octets.length)
  octets.copy(copy)
  return copy
}

function wordAt({ words }: Piece, place: number, at: number): number {
  return words[((place % placesInPiece) * alignment) / 4 + at] ?? 0
}

function slotsFor(entries: number): number {
  let slots = 2
  while (slots < entries * 2) slots *= 2
  return slots
}

/** FNV-1a over the UTF-16 code units, mixed once more since only its low bits choose the slot. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
