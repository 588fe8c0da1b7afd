import type { Dns } from '../../../platform/dns.ts'
import { claimed } from '../../../standards/claim.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import type { Mailbox } from '../../../standards/names/mailbox.ts'
import type { MailParameters, ReceivedMessage, Session, TlsFacts, Transaction } from '../../ingress/index.ts'

/** What ingress would hand over, for tests. */

export const now = Date.UTC(2026, 10, 24, 12)

export type SessionOptions = {
  readonly address?: string
  readonly chain?: readonly Buffer[] | null
  readonly account?: string
}

/** `chain` null: no TLS. */
export function session({ address = '192.0.2.9', chain = [], account }: SessionOptions = {}): Session {
  const parsed = parseIp(address)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  const tls: TlsFacts | null =
    chain === null ? null : { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', clientChain: chain }
  return {
    listener: 'upstream',
    client: { address: parsed, port: 40_000 },
    greeting: claimed('client.example', 'greeting'),
    extended: true,
    tls,
    account: account ?? null,
    openedAt: now,
  }
}

export function transaction(
  reversePath: Mailbox | null,
  recipients: readonly Mailbox[],
  parameters: Partial<MailParameters> = {},
): Transaction {
  return {
    reversePath,
    parameters: {
      size: null,
      body: null,
      smtputf8: false,
      ret: null,
      envid: null,
      auth: null,
      xoorg: null,
      ...parameters,
    },
    forwardPaths: recipients.map((mailbox) => ({ mailbox, notify: null, orcpt: null })),
  }
}

/** Lines become a header section. */
export function message(lines: readonly string[], encoding: 'utf8' | 'latin1' = 'utf8'): ReceivedMessage {
  const header = Buffer.from(lines.map((line) => `${line}\r\n`).join(''), encoding)
  const body = [Buffer.from('Hello\r\n')]
  return {
    header,
    body,
    size: header.length + 2 + 7,
    relaxedBodyHash: Buffer.alloc(32),
    eightBit: header.some((octet) => octet > 127),
  }
}

export type Answers = { readonly [question: string]: readonly string[] | 'timeout' | 'servfail' }

/** DNS from a table: `txt name`, `ptr address`, `addresses name`; what is not in it does not exist. */
export function dnsFrom(answers: Answers): Dns & { readonly asked: string[] } {
  const asked: string[] = []
  const answer = (kind: string, name: string) => {
    asked.push(`${kind} ${name}`)
    const found = answers[`${kind} ${name}`] ?? []
    return Promise.resolve(typeof found === 'string' ? { trouble: found, name } : found)
  }
  return {
    asked,
    txt: (name) => answer('txt', name),
    ptr: (address) => answer('ptr', address),
    addresses: (name) => answer('addresses', name),
    ns: (name) => answer('ns', name),
    mx: () => Promise.resolve([]),
  }
}
