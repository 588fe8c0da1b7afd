import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Domain, parseDomain } from '../../../standards/names/domain.ts'
import { type IpAddress, parseIp } from '../../../standards/names/ip.ts'

/** What Exchange Online writes into an ARC-Authentication-Results field (RFC 8601 §2.2, threats 2.4). */
export type SealedResults = {
  readonly authservId: string
  /** Method to result, in lower case; the first of each. */
  readonly methods: ReadonlyMap<string, string>
  /** `header.from` of the first method that names it; null: it names none, or no domain. */
  readonly author: Domain | null
  /** `(sender ip is …)`: it came by SMTP from there. null: it names no host. */
  readonly sender: IpAddress | 'malformed' | null
}

const mostRead = 8192

/** Reads the text behind `i=N;`. It never fails: what is not there is not named. Quoted strings do not occur in Microsoft's. */
export function readSealedResults(text: string): SealedResults {
  const { plain, comments } = withoutComments(text.slice(0, mostRead))
  const [head = '', ...rest] = plain.split(';')
  const methods = new Map<string, string>()
  let author: string | null = null
  for (const statement of rest) {
    const [result = '', ...properties] = words(statement)
    const [method, value] = pairOf(result)
    if (value !== '' && !methods.has(method)) methods.set(method, value.toLowerCase())
    for (const property of properties) {
      const [name, named] = pairOf(property)
      if (name === 'header.from') author ??= named
    }
  }
  const domain = author === null ? null : parseDomain(author)
  return {
    authservId: (words(head)[0] ?? '').toLowerCase(),
    methods,
    author: domain === null || isSyntaxFault(domain) ? null : domain,
    sender: senderIn(comments),
  }
}

function senderIn(comments: readonly string[]): SealedResults['sender'] {
  const comment = comments.find((one) => /^\s{0,9}sender ip is/i.test(one))
  if (comment === undefined) return null
  const address = parseIp(words(comment)[3] ?? '')
  return isSyntaxFault(address) ? 'malformed' : address
}

/** Comments may nest (RFC 5322 §3.2.2); only those at the top are told. */
function withoutComments(text: string): { readonly plain: string; readonly comments: readonly string[] } {
  const comments: string[] = []
  let plain = ''
  let depth = 0
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '(' && depth++ === 0) {
      plain += `${text.slice(from, at)} `
      from = at + 1
    } else if (character === ')' && depth > 0 && --depth === 0) {
      comments.push(text.slice(from, at))
      from = at + 1
    }
  }
  return { plain: depth === 0 ? plain + text.slice(from) : plain, comments }
}

function words(text: string): readonly string[] {
  return text.split(/[ \t\r\n]+/).filter((word) => word !== '')
}

function pairOf(text: string): readonly [name: string, value: string] {
  const equals = text.indexOf('=')
  return equals === -1 ? [text.toLowerCase(), ''] : [text.slice(0, equals).toLowerCase(), text.slice(equals + 1)]
}
