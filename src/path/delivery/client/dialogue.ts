import { escapePeerText } from '../../../standards/smtp/format-reply.ts'
import type { Reply } from '../../../standards/smtp/reply.ts'

type Entry = { readonly command: string } | { readonly reply: Reply } | { readonly note: string }

/** Entries that are remembered of one transaction; a command in one write may be many lines. */
const mostEntries = 400

/** Octets of a dialogue as text; what is longer loses its middle. */
const mostOctets = 8_192
const longestLine = 512

/**
 * What was said on a connection: how it began, and its last mail transaction. Commands are remembered as they were written and replies as
 * they were read, so that remembering costs nothing; text is made of it only when somebody needs it. Data is never in it.
 */
export class Dialogue {
  readonly #opening: Entry[] = []
  #entries: Entry[] = this.#opening
  #beganAt = performance.now()

  /** A mail transaction begins; the one before it is forgotten. */
  begin(): void {
    this.#entries = []
    this.#beganAt = performance.now()
  }

  said(command: string): void {
    this.#remember({ command })
  }

  heard(reply: Reply): void {
    this.#remember({ reply })
  }

  note(note: string): void {
    this.#remember({ note })
  }

  /** Line by line, `C:` what we said, `S:` what the server said, `--` what happened; at most 8 KB, nothing but printable ASCII. */
  text(): string {
    const opening = linesOf(this.#opening)
    const lines = this.#entries === this.#opening ? opening : [...opening, ...linesOf(this.#entries)]
    return shortened(lines).join('\n')
  }

  /** The codes of the transaction and how long it took, in one line. */
  brief(): string {
    const codes = this.#entries.flatMap((entry) => ('reply' in entry ? [entry.reply.code] : []))
    const shown = codes.length <= 12 ? codes : [...codes.slice(0, 5), '…', ...codes.slice(-3)]
    return `-- replies ${shown.join(' ')} within ${Math.round(performance.now() - this.#beganAt)} ms`
  }

  #remember(entry: Entry): void {
    if (this.#entries.length < mostEntries) this.#entries.push(entry)
  }
}

function linesOf(entries: readonly Entry[]): readonly string[] {
  let isAsked = false
  return entries.flatMap((entry) => {
    if ('note' in entry) return [`-- ${escapePeerText(entry.note, longestLine)}`]
    if ('reply' in entry) {
      isAsked = entry.reply.code === 334
      return replyLines(entry.reply)
    }
    const lines = entry.command.split('\r\n').filter((line) => line !== '')
    return lines.map((line) => `C: ${isAsked ? '(not shown)' : withoutSecrets(line)}`)
  })
}

/** What follows the mechanism, and what answers a 334, may be a password (RFC 4954 §4). */
function withoutSecrets(line: string): string {
  const auth = /^AUTH +(\S+)/i.exec(line)
  return escapePeerText(auth === null ? line : `AUTH ${auth[1] ?? ''} (not shown)`, longestLine)
}

function replyLines({ code, enhanced, lines }: Reply): readonly string[] {
  const status = enhanced === null ? '' : `${enhanced} `
  return lines.map((line, at) => {
    const separator = at === lines.length - 1 ? ' ' : '-'
    return `S: ${escapePeerText(`${code}${separator}${status}${line}`.trimEnd(), longestLine)}`
  })
}

/** The beginning and the end, since the end is what matters. */
function shortened(lines: readonly string[]): readonly string[] {
  const size = (line: string | undefined): number => (line?.length ?? 0) + 1
  if (lines.reduce((sum, line) => sum + size(line), 0) <= mostOctets) return lines
  let from = 0
  let to = lines.length
  let room = mostOctets - 40
  for (;;) {
    const isEnd = lines.length - to <= from
    const cost = size(isEnd ? lines[to - 1] : lines[from])
    if (cost > room || from >= to) break
    room -= cost
    if (isEnd) to--
    else from++
  }
  return [...lines.slice(0, from), `-- ${to - from} lines are left out here`, ...lines.slice(to)]
}
