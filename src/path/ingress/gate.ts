import type { Claimed } from '../../standards/claim.ts'
import type { IpAddress } from '../../standards/names/ip.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import type { Secret } from '../../standards/secret.ts'
import type { Notify } from '../../standards/smtp/notify.ts'
import type { Reply } from '../../standards/smtp/reply.ts'

/** What the socket and the TLS library told us about a session. STARTTLS makes a new one from the TLS facts alone (RFC 3207 §4.2). */
export type Session = {
  readonly listener: string
  readonly client: { readonly address: IpAddress; readonly port: number }
  /** The argument of EHLO or HELO, as text. */
  readonly greeting: Claimed<string> | null
  /** Whether the client said EHLO (so extensions are in force). */
  readonly extended: boolean
  readonly tls: TlsFacts | null
  /** The account that `Gate.authenticate` accepted on this session. */
  readonly account: string | null
  /** Milliseconds since the epoch. */
  readonly openedAt: number
}

export type TlsFacts = {
  readonly protocol: string
  readonly cipher: string
  /** DER certificates as the client presented them, leaf first; empty when it presented none. Nothing about them is verified here. */
  readonly clientChain: readonly Buffer[]
}

/** One mail transaction up to DATA (RFC 5321 §3.3). */
export type Transaction = {
  /** null is the null reverse-path `<>`. */
  readonly reversePath: Mailbox | null
  readonly parameters: MailParameters
  readonly forwardPaths: readonly ForwardPath[]
}

export type MailParameters = {
  /** SIZE in octets (RFC 1870), as declared. */
  readonly size: number | null
  readonly body: '7BIT' | '8BITMIME' | null
  readonly smtputf8: boolean
  /** DSN (RFC 3461 §4.3, §4.4). */
  readonly ret: 'FULL' | 'HDRS' | null
  readonly envid: string | null
  /** REQUIRETLS (RFC 8689), which is offered on TLS only. */
  readonly requireTls?: true
  /** AUTH= (RFC 4954 §5), recorded only. */
  readonly auth: string | null
  /** XOORG= decoded from xtext, as the client said it; null when absent. */
  readonly xoorg: Claimed<string> | null
}

export type ForwardPath = {
  readonly mailbox: Mailbox
  /** RFC 3461 §4.1; null when the client gave none. */
  readonly notify: Notify | null
  /** `addr-type;xtext` as given (RFC 3461 §4.2), or null. */
  readonly orcpt: string | null
}

/**
 * A message as it came: dots unstuffed once, nothing else touched. Every line ends in CRLF and there is no other CR or LF.
 * `header` is the header section with the CRLF of its last field and without the empty line; `body` is what follows that line.
 */
export type ReceivedMessage = {
  readonly header: Buffer
  readonly body: readonly Buffer[]
  /** Octets of header, empty line and body together. */
  readonly size: number
  /** SHA-256 of the body under relaxed canonicalisation (RFC 6376 §3.4.4), computed while it streamed in. */
  readonly relaxedBodyHash: Buffer
  /** Whether any octet is above 127. */
  readonly eightBit: boolean
}

/** What ingress itself refuses. The gate words the reply, since it is a judged one that carries a decision id. */
export type IngressFault =
  | { readonly kind: 'line-endings'; readonly where: 'command' | 'data' }
  | { readonly kind: 'message-too-big'; readonly limit: number }
  | { readonly kind: 'too-many-recipients'; readonly limit: number }
  | { readonly kind: 'message-malformed'; readonly reason: string }

/**
 * What ingress needs from the rest of the path. It decides nothing itself: `null` from `onMail` or `onRcpt` means "go on".
 * A gate that throws is a fault of ours: the client hears 451.
 */
export interface Gate {
  authenticate(session: Session, username: string, password: Secret<string>): Promise<boolean>
  onMail(session: Session, transaction: Transaction): Promise<Reply | null>
  onRcpt(session: Session, transaction: Transaction, next: ForwardPath): Promise<Reply | null>
  onEndOfData(session: Session, transaction: Transaction, message: ReceivedMessage): Promise<Reply>
  onFault(session: Session, transaction: Transaction | null, fault: IngressFault): Promise<Reply>
}
