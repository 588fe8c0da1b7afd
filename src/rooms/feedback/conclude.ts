import type { ReadRecipient } from '../../standards/dsn/index.ts'
import { type Mailbox, formatMailbox } from '../../standards/names/mailbox.ts'
import { isComplaint } from '../../standards/arf/index.ts'
import { classOfReply } from '../../standards/smtp/reply-class.ts'
import type { LedgerEvent } from '../ledger/index.ts'
import type { Attribution, Link } from './attribute.ts'
import type { Enclosed } from './letterbox.ts'
import type { LaterReport } from './later-report.ts'
import { recipientOf } from './sent-message.ts'
import type { KeptPiece, Told } from './store.ts'

/** Who sent a piece, as far as SPF, DKIM and DMARC tell (RFC 7208, RFC 6376, RFC 9989). */
export type Authenticity = {
  readonly spf: string
  /** The domain that SPF spoke of. */
  readonly spfDomain: string | null
  /** Domains whose signature verified. */
  readonly dkim: readonly string[]
  readonly dmarc: string
}

/** What a piece comes to: how it is kept, what the ledger hears, and what the sender is owed. */
export type Conclusion = Pick<KeptPiece, 'found' | 'events' | 'told'>

type Case = {
  readonly about: Enclosed
  readonly attribution: Attribution
  /** Null: nobody could say. */
  readonly authenticity: Authenticity | null
  readonly wasTold: (told: Told) => boolean
}

export function conclude(matter: Case): Conclusion {
  const { about, attribution } = matter
  if (about.kind === 'refused') {
    const detail = { found: 'refused', rule: about.rule, reply: about.reply }
    return { found: 'refused', events: [pieceEvent(matter, detail)], told: [] }
  }
  switch (attribution.reading.kind) {
    case 'bounce':
      return concludeBounce(matter, attribution.reading.report.recipients)
    case 'complaint':
      return concludeComplaint(matter)
    case 'other':
      return { found: 'other', events: [pieceEvent(matter, { found: 'other' })], told: [] }
    default:
      return attribution.reading satisfies never
  }
}

/**
 * Whether a report counts against an address. A token is proof enough that the mail was there. The other links are texts that many may
 * have read, so that somebody must stand for the report with a name of his own that is checked.
 */
function isProven({ attribution: { link }, authenticity }: Case): boolean {
  if (link === null) return false
  if (link.by === 'token') return true
  if (authenticity === null) return false
  return authenticity.dmarc === 'pass' || authenticity.spf === 'pass' || authenticity.dkim.length > 0
}

type Fate = { readonly recipient: Mailbox; readonly said: ReadRecipient }

function concludeBounce(matter: Case, said: readonly ReadRecipient[]): Conclusion {
  const { link } = matter.attribution
  const fates = link === null ? [] : fatesOf(link, said)
  const fresh = fates.filter(({ recipient, said: { action } }) => !matter.wasTold(toldOf(link, recipient, action)))
  const proven = isProven(matter)
  const events = fresh.map(({ recipient, said: one }) => {
    const bounced = proven && one.action === 'failed'
    return aboutMessage(matter, link, bounced ? 'bounced-later' : 'reported-later', {
      recipients: [formatMailbox(recipient)],
      what: one.action,
      class: classOf(one),
      status: one.status,
      reply: one.diagnostic ?? one.status ?? 'no reason was given',
    })
  })
  const told = proven
    ? fresh.map(({ recipient, said: one }) => ({
        ...toldOf(link, recipient, one.action),
        report: reportFor(matter, link, recipient, one),
      }))
    : []
  const found = fates.some((one) => one.said.action === 'failed') || link === null ? 'bounce' : 'report'
  return { found, events: [pieceEvent(matter, { found, attributed: fates.length > 0 }), ...events], told }
}

/** Brings what a report says of addresses to recipients of the message; what fits none of them says nothing. */
function fatesOf({ message, recipient }: Link, said: readonly ReadRecipient[]): readonly Fate[] {
  const only = recipient === null ? null : (message.recipients[recipient] ?? null)
  if (recipient !== null && only === null) return []
  const matched = said.flatMap((one): readonly Fate[] => {
    const found = recipientOf(message, one.original) ?? recipientOf(message, one.final)
    return found === null || (only !== null && found !== only) ? [] : [{ recipient: found, said: one }]
  })
  if (matched.length > 0) return once(matched)
  // Mail that was forwarded on the way bounces for an address that we never heard of; for whom it was, one recipient tells.
  const alone = only ?? (message.recipients.length === 1 ? (message.recipients[0] ?? null) : null)
  const worst = said.find((one) => one.action === 'failed') ?? said[0]
  return alone === null || worst === undefined ? [] : [{ recipient: alone, said: worst }]
}

function once(fates: readonly Fate[]): readonly Fate[] {
  return [...new Map(fates.map((fate) => [`${formatMailbox(fate.recipient)} ${fate.said.action}`, fate])).values()]
}

function classOf({ status, diagnostic }: ReadRecipient): string {
  const code = /(?<![\d.])([45]\d\d)(?![\d.])/.exec((diagnostic ?? '').slice(0, 200))?.[1]
  return classOfReply({ code: code === undefined ? null : Number(code), enhanced: status, text: diagnostic ?? '' })
}

/**
 * What the sender is owed: a report that came the way that mail systems send them, to an address that we gave out instead of his, about
 * mail that had a sender.
 */
function reportFor(matter: Case, link: Link | null, recipient: Mailbox, said: ReadRecipient): LaterReport | null {
  if (link === null || link.by !== 'token' || !link.inEnvelope || link.message.reversePath === null) return null
  const { message } = link
  return {
    piece: matter.about.id,
    about: message.id,
    customer: message.customer,
    source: message.source,
    to: link.message.reversePath,
    recipient,
    action: said.action,
    status: said.status ?? (said.action === 'failed' ? '5.0.0' : said.action === 'delayed' ? '4.0.0' : '2.0.0'),
    remoteMta: remoteOf(matter, said),
    diagnostic: said.diagnostic ?? 'the receiving system gave no reason',
    arrivedAt: message.at,
    original: message.original,
  }
}

function remoteOf({ attribution: { reading } }: Case, said: ReadRecipient): string | null {
  const name = said.remoteMta ?? (reading.kind === 'bounce' ? reading.report.reportingMta : null)
  return name !== null && /^[A-Za-z0-9._:[\]-]{1,255}$/.test(name) ? name : null
}

function concludeComplaint(matter: Case): Conclusion {
  const { reading, link, stream } = matter.attribution
  if (reading.kind !== 'complaint') return { found: 'other', events: [], told: [] }
  const { report } = reading
  const { feedbackType } = report
  const who = link === null ? null : complainant(link, report.originalRcptTo)
  const told = link === null ? null : toldOf(link, who, `complained ${feedbackType}`)
  const piece = pieceEvent(matter, { found: 'complaint', feedbackType, attributed: link !== null, stream })
  if (link === null || told === null || matter.wasTold(told)) return { found: 'complaint', events: [piece], told: [] }
  const proven = isProven(matter)
  const kind = proven && isComplaint(report) ? 'complained' : 'reported-later'
  const event = aboutMessage(matter, link, kind, {
    recipients: who === null ? [] : [formatMailbox(who)],
    what: kind === 'complained' ? 'complaint' : feedbackType,
    feedbackType,
    reporter: report.userAgent,
    reply: `${feedbackType} report${report.userAgent === null ? '' : ` by ${report.userAgent.slice(0, 100)}`}`,
  })
  return { found: 'complaint', events: [piece, event], told: proven ? [{ ...told, report: null }] : [] }
}

/** Whose complaint it is: reports often leave that out, but a token tells it, and so does a message for one. */
function complainant({ message, recipient }: Link, named: readonly string[]): Mailbox | null {
  if (recipient !== null) return message.recipients[recipient] ?? null
  const found = named.map((address) => recipientOf(message, address)).find((one) => one !== null)
  return found ?? (message.recipients.length === 1 ? (message.recipients[0] ?? null) : null)
}

function toldOf(link: Link | null, recipient: Mailbox | null, action: string): Told {
  return {
    about: link?.message.id ?? '',
    address: recipient === null ? '' : formatMailbox(recipient).toLowerCase(),
    action,
  }
}

function aboutMessage(
  matter: Case,
  link: Link | null,
  kind: LedgerEvent['kind'],
  detail: LedgerEvent['detail'],
): LedgerEvent {
  const { about, authenticity } = matter
  const from = { client: about.client, ...authenticity }
  return {
    kind,
    at: about.at,
    id: link?.message.id ?? about.id,
    customer: link?.message.customer ?? null,
    source: link?.message.source ?? null,
    detail: { ...detail, by: link?.by ?? null, from, piece: about.id },
  }
}

/** What the ledger hears of the piece itself, under the id that the client was told. */
function pieceEvent(matter: Case, detail: LedgerEvent['detail']): LedgerEvent {
  const { about, attribution, authenticity } = matter
  const { link, stream } = attribution
  const { at, id, client, listener, recipients } = about
  return {
    kind: 'feedback',
    at,
    id,
    customer: link?.message.customer ?? stream?.customer ?? null,
    source: link?.message.source ?? stream?.source ?? null,
    detail: {
      ...detail,
      message: link?.message.id ?? null,
      by: link?.by ?? null,
      client,
      listener,
      recipients,
      from: authenticity,
    },
  }
}
