import { type Reply, reply } from '../../standards/smtp/reply.ts'
import type { DecisionId } from './decision.ts'
import { type RuleId, rules } from './rules.ts'

/** Beside the longest words of a rule and an id this leaves a line far below the 512 octets of RFC 5321 §4.5.3.1.5. */
const longestAbout = 120

/**
 * The reply of a judged message: one line of at most 510 octets, `CODE X.Y.Z [rule-id] plain words (decision-id)`.
 * `about` may hold a peer's own text: it is escaped to ASCII without brackets, and cut.
 */
export function replyTo(rule: RuleId, about: string | null, id: DecisionId): Reply {
  const { code, enhanced, wire } = rules[rule]
  const words = wire(about === null ? null : forWire(about, longestAbout))
  return reply(code, enhanced, `[${rule}] ${words} (${id})`)
}

/** The line of a judged reply as it goes over the wire, without its CRLF. */
export function lineOf({ code, enhanced, lines }: Reply): string {
  return `${code} ${enhanced ?? ''} ${lines.join(' ')}`
}

/**
 * Peer-supplied text as printable ASCII: other characters, the backslash and the brackets that give a reply its shape become
 * `\x5b` or `\u{130}`. No longer than `most` characters; what is cut ends in `...`.
 */
export function forWire(text: string, most: number): string {
  let out = ''
  for (const character of text.slice(0, most + 1)) {
    const next = /^[ -~]$/.test(character) && !'\\[]()'.includes(character) ? character : escaped(character)
    if (out.length + next.length > most) return `${out.slice(0, most - 3)}...`
    out += next
  }
  return out
}

/** Text for a person's terminal: control, format and other invisible characters are escaped, so that it cannot paint over what stands beside it. */
export function forPeople(text: string, most = 300): string {
  const shown = text.slice(0, most).replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, escaped)
  return text.length > most ? `${shown}...` : shown
}

function escaped(character: string): string {
  const point = character.codePointAt(0) ?? 0
  return point < 256 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`
}
