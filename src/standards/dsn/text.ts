/** Text of a peer made safe for a report: printable ASCII, anything else as `?`, runs of blanks as one, cut at `limit`. */
export function printable(text: string, limit = 1000): string {
  const flat = text.replace(/[^\x20-\x7e]+/g, (run) => (/^[\t\r\n]+$/.test(run) ? ' ' : '?')).replace(/ {2,}/g, ' ')
  return (flat.length > limit ? `${flat.slice(0, limit)}...` : flat).trim()
}

/** Breaks words into lines of at most `width` characters where blanks allow it; a longer word stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(line)
  return lines
}

/** A field folded before column 78 where blanks allow it (RFC 5322 §2.1.1), with its CRLF. */
export function foldedField(name: string, value: string): string {
  return `${wrap(`${name}: ${value}`, 76).join('\r\n ')}\r\n`
}

export function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

/** Base64 in lines of 76 characters, each with CRLF (RFC 2045 §6.8). */
export function base64Lines(bytes: Buffer): string {
  const text = bytes.toString('base64')
  const lines: string[] = []
  for (let at = 0; at < text.length; at += 76) lines.push(`${text.slice(at, at + 76)}\r\n`)
  return lines.join('')
}
