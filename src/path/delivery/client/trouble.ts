import type { Reply } from '../../../standards/smtp/reply.ts'
import type { Dialogue } from './dialogue.ts'
import { escapePeerText } from '../../../standards/smtp/format-reply.ts'

/** What went wrong with a connection. Never the end of the mail: another server or another time may do. */
export type TroubleKind = 'connect' | 'timeout' | 'closed' | 'malformed' | 'tls' | 'refused' | 'unprotected' | 'aborted'

/** Thrown inside the client and caught at its edge. `message` is plain words for people. */
export class ConnectionTrouble extends Error {
  readonly kind: TroubleKind
  /** The reply that it rests on, where there is one. */
  readonly reply: Reply | null
  /** What was said on the connection until then; null when it never came about. */
  dialogue: Dialogue | null = null
  /** The enhanced status code that it has of its own, or null. */
  readonly status: string | null

  constructor(kind: TroubleKind, words: string, reply: Reply | null = null, status: string | null = null) {
    super(words)
    this.name = 'ConnectionTrouble'
    this.kind = kind
    this.reply = reply
    this.status = status
  }
}

/** Our own message could not be read, or may not go out as it is stored: nothing that a server did. */
export class SourceTrouble extends Error {
  /** `line-endings`: it holds what may never leave. `unreadable`: custody could not give it. */
  readonly kind: 'line-endings' | 'unreadable'

  constructor(kind: 'line-endings' | 'unreadable', words: string, cause: unknown) {
    super(words, { cause })
    this.name = 'SourceTrouble'
    this.kind = kind
  }
}

/** The judgement behind the message no longer stands: it is to be judged again before anything more of it is sent. */
export class Superseded extends Error {
  constructor() {
    super('the policy changed while the message waited')
    this.name = 'Superseded'
  }
}

/** A reply as one line for records and reports: printable, bounded. */
export function replyText(reply: Reply): string {
  const status = reply.enhanced === null ? '' : `${reply.enhanced} `
  return escapePeerText(`${reply.code} ${status}${reply.lines.join(' ')}`.trim(), 900)
}
