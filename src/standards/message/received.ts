import { type IpAddress, parseIp } from '../names/ip.ts'
import { isSyntaxFault } from '../fault.ts'
import { parseDateTime } from './date-time.ts'

/**
 * One hop as a Received field tells it (RFC 5321 §4.4). Text that anyone on the way could write: a record for people who read a path,
 * never a reason to allow.
 */
export type ReceivedHop = {
  /** The name after `from`, or null. */
  readonly from: string | null
  /** The first address literal in the from clause, or null. */
  readonly address: IpAddress | null
  readonly by: string | null
  readonly with: string | null
  /** Milliseconds since the epoch, or null when it is no date-time. */
  readonly at: number | null
}

const mostRead = 2000
const clause = /(?:^|[ \t])(from|by|with)[ \t]{1,9}([^ \t()[\];]{1,255})/gi
const literal = /[[(](?:IPv6:)?([0-9A-Fa-f:.]{2,45})(?:%[0-9A-Za-z]{1,16})?[\])]/i

/** Reads what it can from an unfolded Received value; the first 2,000 characters count. */
export function parseReceived(value: string): ReceivedHop {
  const text = value.slice(0, mostRead)
  const semicolon = text.lastIndexOf(';')
  const clauses = semicolon === -1 ? text : text.slice(0, semicolon)
  const found = new Map<string, { readonly value: string; readonly at: number }>()
  for (const match of withoutComments(clauses).matchAll(clause)) {
    const name = (match[1] ?? '').toLowerCase()
    if (!found.has(name)) found.set(name, { value: match[2] ?? '', at: match.index })
  }
  const by = found.get('by')
  const address = parseIp(literal.exec(clauses.slice(0, by?.at ?? clauses.length))?.[1] ?? '')
  return {
    from: found.get('from')?.value ?? null,
    address: isSyntaxFault(address) ? null : address,
    by: by?.value ?? null,
    with: found.get('with')?.value ?? null,
    at: semicolon === -1 ? null : parseDateTime(text.slice(semicolon + 1).trim()),
  }
}

/** Blanks out comments, nested ones too, so that offsets stay. */
function withoutComments(text: string): string {
  let depth = 0
  let out = ''
  for (const character of text) {
    if (character === '(') depth++
    out += depth > 0 ? ' '.repeat(character.length) : character
    if (character === ')' && depth > 0) depth--
  }
  return out
}
