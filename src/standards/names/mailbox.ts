import type { Domain } from './domain.ts'

/** An addr-spec whose domain is a name (RFC 5321 §4.1.2 Mailbox without address literals). The local part is as the peer wrote it, unquoted. */
export type Mailbox = {
  readonly localPart: string
  readonly domain: Domain
}

const atom =
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+)*$/u

/** The addr-spec in its wire form: the local part is quoted where RFC 5321 §4.1.2 demands it. */
export function formatMailbox(mailbox: Mailbox): string {
  const local = atom.test(mailbox.localPart) ? mailbox.localPart : `"${mailbox.localPart.replace(/["\\]/g, '\\$&')}"`
  return `${local}@${mailbox.domain}`
}
