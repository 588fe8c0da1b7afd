import type { Reply } from './reply.ts'

/** RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets with its CRLF. */
const maxReplyLineOctets = 510

/**
 * The wire form of a reply: ASCII, CRLF after each line, the enhanced status code on every line (RFC 2034 §4), each line
 * at most 510 octets. What is not printable ASCII is escaped, so that no text a peer supplied can end a line or start one.
 */
export function formatReply(reply: Reply): string {
  const lines = reply.lines.length === 0 ? [''] : reply.lines
  const status = reply.enhanced === null ? '' : `${reply.enhanced} `
  let wire = ''
  for (let index = 0; index < lines.length; index++) {
    const separator = index === lines.length - 1 ? ' ' : '-'
    const start = `${reply.code}${separator}${status}`
    wire += `${start}${escapePeerText(lines[index] ?? '', maxReplyLineOctets - start.length)}\r\n`
  }
  return wire
}

const printable = /^[\x20-\x7e]*$/

/**
 * Text that may hold a peer's words, made safe for one line of a reply or of a log: printable ASCII stays, everything else
 * becomes `\u{hex}`; at most `limit` octets, with `...` where it was cut.
 */
export function escapePeerText(text: string, limit: number): string {
  const bounded = text.length > limit ? text.slice(0, limit + 1) : text
  const plain = printable.test(bounded)
    ? bounded
    : bounded.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
  return plain.length <= limit ? plain : `${plain.slice(0, Math.max(0, limit - 3))}...`
}
