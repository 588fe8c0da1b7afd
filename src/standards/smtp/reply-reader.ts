import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import type { Reply } from './reply.ts'

/** Servers exceed the 512 octets of RFC 5321 §4.5.3.1.5, so the bound is wider than the rule. */
const maxLineOctets = 4096
const maxLines = 512

/** One line of a reply. `last` is false where a hyphen says that more lines follow (RFC 5321 §4.2.1). */
export type ReplyLine = {
  readonly code: number
  readonly last: boolean
  readonly enhanced: string | null
  readonly text: string
}

const lineGrammar = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s
const enhancedGrammar = /^([245])\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})(?= |$)/

/** Reads one reply line without its line ending. An enhanced status code counts only where its class is that of the reply code (RFC 2034 §4). */
export function parseReplyLine(line: string): ReplyLine | SyntaxFault {
  const match = lineGrammar.exec(line)
  if (match === null) return syntaxFault('the line is not an SMTP reply')
  const code = Number(match[1])
  const text = match[3] ?? ''
  const last = match[2] !== '-'
  const enhanced = enhancedGrammar.exec(text)
  if (enhanced === null || Number(enhanced[1]) !== Math.floor(code / 100)) return { code, last, enhanced: null, text }
  return { code, last, enhanced: enhanced[0], text: text.slice(enhanced[0].length + 1) }
}

/**
 * Reads the replies of a server as they stream in. Bounded: a line, or a reply of too many lines, is a fault. A bare LF ends
 * a line too: nothing of a reply is ever relayed, and a stricter client would only lose mail. After a fault the reader stays faulty,
 * since nobody can say any more which command a later reply belongs to.
 */
export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0)
  #lines: string[] = []
  #first: ReplyLine | null = null
  #fault: SyntaxFault | null = null

  /** The replies that this chunk completes, in order. `chunk` may be cut anywhere. */
  push(chunk: Buffer): readonly Reply[] | SyntaxFault {
    if (this.#fault !== null) return this.#fault
    const replies: Reply[] = []
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (let end = input.indexOf(0x0a, at); end !== -1; end = input.indexOf(0x0a, at)) {
      const complete =
        end - at > maxLineOctets ? syntaxFault('a reply line is too long') : this.#take(lineOf(input, at, end))
      if (isSyntaxFault(complete)) return (this.#fault = complete)
      if (complete !== null) replies.push(complete)
      at = end + 1
    }
    this.#rest = Buffer.from(input.subarray(at))
    if (this.#rest.length > maxLineOctets) return (this.#fault = syntaxFault('a reply line is too long'))
    return replies
  }

  /** Whether the server stopped in the middle of a reply. */
  get isMidReply(): boolean {
    return this.#first !== null || this.#rest.length > 0
  }

  #take(text: string): Reply | null | SyntaxFault {
    const line = parseReplyLine(text)
    if (isSyntaxFault(line)) return line
    const first = (this.#first ??= line)
    if (line.code !== first.code) return syntaxFault('the lines of one reply have different codes')
    this.#lines.push(line.text)
    if (this.#lines.length > maxLines) return syntaxFault('a reply has too many lines')
    if (!line.last) return null
    const complete = { code: first.code, enhanced: first.enhanced, lines: this.#lines }
    this.#first = null
    this.#lines = []
    return complete
  }
}

/** Servers answer in UTF-8 or in some old 8-bit charset; what is not UTF-8 shows as replacement characters. */
function lineOf(input: Buffer, start: number, lineFeed: number): string {
  const end = lineFeed > start && input[lineFeed - 1] === 0x0d ? lineFeed - 1 : lineFeed
  return input.toString('utf8', start, end)
}
