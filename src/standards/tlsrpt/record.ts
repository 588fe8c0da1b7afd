import { isSyntaxFault } from '../fault.ts'
import { parseMailbox } from '../message/mailbox-list.ts'
import type { Mailbox } from '../names/mailbox.ts'

/** Where a domain wants its TLS reports (RFC 8460 §3). */
export type ReportAddress =
  | { readonly kind: 'mail'; readonly mailbox: Mailbox }
  | { readonly kind: 'https'; readonly url: URL }

const maxAddresses = 5
const longestRecord = 4096

/** Reads all TXT records at `_smtp._tls.<domain>`. Empty: nobody asks, which the domain also says with two records or a malformed one. */
export function parseTlsReportRecords(texts: readonly string[]): readonly ReportAddress[] {
  const [text, second] = texts.filter((one) => /^v=TLSRPTv1[ \t]*;/.test(one))
  if (text === undefined || second !== undefined || text.length > longestRecord) return []
  const fields = text.split(';').map((one) => one.trim())
  const rua = fields.find((one) => /^rua[ \t]*=/.test(one))
  if (rua === undefined) return []
  const addresses = rua.slice(rua.indexOf('=') + 1).split(',')
  return addresses.flatMap((one) => addressOf(one.trim()) ?? []).slice(0, maxAddresses)
}

function addressOf(text: string): ReportAddress | null {
  if (/^https:/i.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : null
    return url === null || url.username !== '' ? null : { kind: 'https', url }
  }
  const path = /^mailto:([^?!]+)$/i.exec(text)?.[1]
  if (path === undefined) return null
  try {
    const mailbox = parseMailbox(decodeURIComponent(path), { smtputf8: false })
    return isSyntaxFault(mailbox) ? null : { kind: 'mail', mailbox }
  } catch {
    return null
  }
}
