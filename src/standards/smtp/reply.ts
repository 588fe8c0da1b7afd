/**
 * One SMTP reply (RFC 5321 §4.2). `enhanced` is the status code of RFC 3463 or null where RFC 2034 §4 wants none
 * (greeting, EHLO, 3xx). `lines` hold no CR or LF; several lines make a multi-line reply.
 */
export type Reply = {
  readonly code: number
  readonly enhanced: string | null
  readonly lines: readonly string[]
}

export function reply(code: number, enhanced: string | null, ...lines: readonly string[]): Reply {
  return { code, enhanced, lines }
}
