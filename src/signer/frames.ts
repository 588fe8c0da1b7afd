/**
 * Frames on a pipe: a length in four octets (big endian, kind and payload together), one octet of kind, the payload.
 */
export type Frame = { readonly kind: number; readonly payload: Buffer }

const headLength = 4
/** More than any policy copy; a longer frame means that the two ends have lost each other. */
const maxFrameLength = 512 * 1024 * 1024

export function encodeFrame(kind: number, parts: readonly Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(headLength + 1)
  head.writeUInt32BE(1 + parts.reduce((sum, part) => sum + part.length, 0))
  head[headLength] = kind
  return Buffer.concat([head, ...parts])
}

/** Cuts a stream into frames. A frame longer than the limit, or without a kind, answers null: the stream is beyond repair. */
export class FrameReader {
  #chunks: Buffer[] = []
  #held = 0
  #needed = headLength

  push(chunk: Buffer): readonly Frame[] | null {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#needed) return []
    const octets = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const frames: Frame[] = []
    let at = 0
    this.#needed = headLength
    while (octets.length - at >= headLength) {
      const length = octets.readUInt32BE(at)
      if (length === 0 || length > maxFrameLength) return null
      const end = at + headLength + length
      if (end > octets.length) {
        this.#needed = headLength + length
        break
      }
      frames.push({ kind: octets[at + headLength] as number, payload: octets.subarray(at + headLength + 1, end) })
      at = end
    }
    this.#chunks = at < octets.length ? [octets.subarray(at)] : []
    this.#held = octets.length - at
    return frames
  }
}
