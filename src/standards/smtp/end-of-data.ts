const endOfData = Buffer.from('\r\n.\r\n')
const overlap = endOfData.length - 1

/** Finds CRLF.CRLF in octets cut anywhere, for data that is being discarded. */
export class EndOfDataSearch {
  #tail: Buffer = Buffer.alloc(0)

  /** The offset in `chunk` behind CRLF.CRLF, looking from `from` on, or -1. */
  find(chunk: Buffer, from: number): number {
    const rest = chunk.subarray(from)
    const seam = Buffer.concat([this.#tail, rest.subarray(0, overlap)])
    const atSeam = seam.indexOf(endOfData)
    if (atSeam !== -1) return from + atSeam + endOfData.length - this.#tail.length
    const at = rest.indexOf(endOfData)
    if (at !== -1) return from + at + endOfData.length
    this.#tail = Buffer.from(rest.length >= overlap ? rest.subarray(-overlap) : seam.subarray(-overlap))
    return -1
  }
}
