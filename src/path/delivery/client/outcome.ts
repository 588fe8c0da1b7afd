import type { Refusal } from '../../../standards/smtp/reply-class.ts'
import type { Reply } from '../../../standards/smtp/reply.ts'
import { replyText } from './trouble.ts'

/** What a server did with one recipient. `status` is an enhanced status code; `fromRemote` says whether `reply` is the server's own. */
export type RecipientResult = {
  readonly index: number
  readonly kind: 'delivered' | 'failed' | 'retry'
  readonly status: string
  readonly reply: string
  readonly fromRemote: boolean
  /** What was said about it: line by line, or of a success in one line. */
  readonly dialogue?: string
}

/** 2xx took it, 5xx is for good, all else is for now (RFC 5321 §4.2.1). */
export function outcomeOf(reply: Reply, taken: boolean): Omit<RecipientResult, 'index'> {
  const kind = taken ? 'delivered' : reply.code >= 500 ? 'failed' : 'retry'
  const status = reply.enhanced ?? (taken ? '2.0.0' : kind === 'failed' ? '5.0.0' : '4.0.0')
  return { kind, status, reply: replyText(reply), fromRemote: true }
}

/** A positive reply where none fits (250 to DATA) is a server gone wrong: not a refusal for good. */
export function asRefusal(reply: Reply): Reply {
  return reply.code >= 400 ? reply : { code: 451, enhanced: '4.5.0', lines: [`unexpected reply: ${replyText(reply)}`] }
}

export function isPositive(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300
}

/** A recorded refusal, as it is classified. */
export function refusalIn({ reply, status }: { readonly reply: string; readonly status: string }): Refusal {
  const code = /^[45]\d\d(?!\.)/.exec(reply)
  return { code: code === null ? null : Number(code[0]), enhanced: status, text: reply }
}
