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
const clause = /(from|by|with)[ \t]{1,9}([^ \t()[\];]{1,255})/iy
const literal = /[[(](?:IPv6:)?([0-9A-Fa-f:.]{2,45})(?:%[0-9A-Za-z]{1,16})?[\])]/i

/** Reads what it can from an unfolded Received value; the first 2,000 characters count. */
export function parseReceived(value: string): ReceivedHop {
  const text = value.slice(0, mostRead)
  const semicolon = text.lastIndexOf(';')
  const clauses = semicolon === -1 ? text : text.slice(0, semicolon)
  const found = readClauses(clauses)
  const address = parseIp(literal.exec(clauses.slice(0, found.by?.at ?? clauses.length))?.[1] ?? '')
  return {
    from: found.from?.value ?? null,
    address: isSyntaxFault(address) ? null : address,
    by: found.by?.value ?? null,
    with: found.with?.value ?? null,
    at: semicolon === -1 ? null : parseDateTime(text.slice(semicolon + 1).trim()),
  }
}

type Clauses = Partial<Record<'from' | 'by' | 'with', { readonly value: string; readonly at: number }>>

/** The first clause of each name that starts a word outside comments, nested ones too. */
function readClauses(text: string): Clauses {
  const found: Clauses = {}
  let depth = 0
  let behindBlank = true
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '(') depth++
    else if (character === ')' && depth > 0) depth--
    else if (depth === 0 && behindBlank && 'fbwFBW'.includes(character)) {
      clause.lastIndex = at
      const [, name = '', value = ''] = clause.exec(text) ?? []
      if (value !== '') found[name.toLowerCase() as keyof Clauses] ??= { value, at }
    }
    behindBlank = character === ' ' || character === '\t'
  }
  return found
}
