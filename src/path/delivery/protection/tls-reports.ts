import { hash, randomBytes } from 'node:crypto'
import { isDnsTrouble } from '../../../platform/dns.ts'
import { askHttps } from '../../../platform/https.ts'
import type { Mailbox } from '../../../standards/names/mailbox.ts'
import {
  type PolicyResults,
  type ReportAddress,
  type TlsReport,
  buildTlsReportMail,
  gzippedTlsReport,
  parseTlsReportRecords,
} from '../../../standards/tlsrpt/index.ts'
import type { StoredMessage } from '../../custody/custody.ts'
import type { DeliveryOptions } from '../room.ts'
import { type HttpsReach, addressesFor } from './mta-sts-fetch.ts'
import { type SessionRow, dayOf } from './session-counts.ts'
import type { TlsStore } from './tls-store.ts'
import type { Published } from './wanted.ts'

export type TlsReportOptions = Pick<
  DeliveryOptions,
  'custody' | 'admitOwn' | 'rejudge' | 'dns' | 'clock' | 'log' | 'hostname' | 'operatorDomain'
> & {
  readonly store: TlsStore
  readonly reach: HttpsReach
  /** Hands delivery what was stored. */
  readonly kick: () => void
}

const dayMs = 86_400_000

/** Reports go out spread over as many milliseconds after midnight, so that not everybody's arrive at once (RFC 8460 §4.1). */
const spread = 4 * 3_600_000

/** A report that a process claimed and did not finish is taken up by the next after this. */
const claimHolds = 600_000

/** Results older than this are dropped, sent or not. */
const keptFor = 3 * dayMs

const postMs = 60_000
const maxPostAnswer = 65_536

/**
 * Sends the reports of the days that are over, each once, to the domains that ask for them (RFC 8460). To be called now and then, in
 * as many processes as like. A mail report waits until `operator.domain` has a key, since an unsigned one proves nothing.
 */
export async function sendTlsReports(options: TlsReportOptions): Promise<void> {
  const { store, clock } = options
  const now = clock.now()
  const oldest = dayOf(now - keptFor)
  await store.deleteFrom('tls_session').where('day', '<', oldest).execute()
  await store.deleteFrom('tls_report').where('day', '<', oldest).execute()
  const days = await store
    .selectFrom('tls_session')
    .select(['day', 'domain'])
    .distinct()
    .where('day', '<', dayOf(now))
    .execute()
  for (const { day, domain } of days) {
    if (now < dueAt(day, domain, options.operatorDomain) || !(await claim(store, day, domain, now))) continue
    const outcome = await sendOne(day, domain, options)
    if (outcome === null) continue
    await store
      .updateTable('tls_report')
      .set({ sent_at: clock.now(), outcome })
      .where('day', '=', day)
      .where('domain', '=', domain)
      .execute()
  }
}

/** When the report of a day to a domain is due: after midnight, at a moment of its own that is the same in every process. */
function dueAt(day: string, domain: string, submitter: string): number {
  const lot = hash('sha256', `${day} ${domain} ${submitter}`, 'buffer').readUInt32BE(0) / 2 ** 32
  return Date.parse(`${day}T00:00:00Z`) + dayMs + Math.floor(lot * spread)
}

/** Takes a report on; false when it is sent, or another process is at it. */
async function claim(store: TlsStore, day: string, domain: string, now: number): Promise<boolean> {
  const written = await store
    .insertInto('tls_report')
    .values({ day, domain, claimed_at: now, sent_at: null, outcome: null })
    .onConflict((conflict) =>
      conflict
        .columns(['day', 'domain'])
        .doUpdateSet({ claimed_at: now })
        .where('tls_report.sent_at', 'is', null)
        .where('tls_report.claimed_at', '<=', now - claimHolds),
    )
    .executeTakeFirst()
  return (written.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** In words what became of a report, or null: it is to be tried again. */
async function sendOne(day: string, domain: string, options: TlsReportOptions): Promise<string | null> {
  const { dns, log, store } = options
  const texts = await dns.txt(`_smtp._tls.${domain}`)
  if (isDnsTrouble(texts)) return null
  const addresses = parseTlsReportRecords(texts)
  if (addresses.length === 0) return 'nobody asks for it'
  const report = await reportOf(store, day, domain, options.operatorDomain)
  // One address is enough (RFC 8460 §3): the first that works.
  for (const address of addresses) {
    const trouble = await sendTo(address, report, options)
    if (trouble === null) {
      const to = address.kind === 'https' ? address.url.host : address.mailbox.domain
      log.info('a TLS report was sent', { domain, day, to })
      return `sent to ${to}`
    }
    log.warn('a TLS report could not be sent yet', { domain, day, because: trouble })
  }
  return null
}

function sendTo(address: ReportAddress, report: TlsReport, options: TlsReportOptions): Promise<string | null> {
  switch (address.kind) {
    case 'mail':
      return mailReport(address.mailbox, report, options)
    case 'https':
      return postReport(address.url, report, options)
    default:
      return address satisfies never
  }
}

/** Stores it as a notification of our own. Answers what is in the way, or null. */
async function mailReport(to: Mailbox, report: TlsReport, options: TlsReportOptions): Promise<string | null> {
  const { admitOwn, rejudge, custody, clock, hostname, operatorDomain, kick } = options
  const built = buildTlsReportMail({
    report,
    submitter: operatorDomain,
    to,
    messageId: `${randomBytes(12).toString('hex')}@${hostname}`,
    boundary: randomBytes(16).toString('hex'),
    at: clock.now(),
  })
  const admitted = await admitOwn({ recipient: to, ...built, eightBit: false, smtputf8: false, about: null })
  if (admitted === null) return 'it was not admitted as mail of our own'
  const { entry, events } = admitted
  const asStored: StoredMessage = { ...entry, recipients: [] }
  if (rejudge(asStored).kind !== 'renewed') return `${operatorDomain} has no key that could sign it`
  const stored = await custody.accept(entry, events)
  if (stored !== 'stored') return 'there is no room for it'
  kick()
  return null
}

/** RFC 8460 §5.4. */
async function postReport(url: URL, report: TlsReport, { reach }: TlsReportOptions): Promise<string | null> {
  const answer = await askHttps({
    method: 'POST',
    host: url.hostname,
    port: url.port === '' ? 443 : Number(url.port),
    path: `${url.pathname}${url.search}`,
    addresses: await addressesFor(url.hostname, reach),
    roots: reach.roots,
    timeoutMs: postMs,
    maxOctets: maxPostAnswer,
    contentType: 'application/tlsrpt+gzip',
    body: gzippedTlsReport(report),
  })
  if ('trouble' in answer) return answer.trouble
  return answer.status >= 200 && answer.status < 300 ? null : `${url.host} answered ${answer.status}`
}

async function reportOf(store: TlsStore, day: string, domain: string, submitter: string): Promise<TlsReport> {
  const rows = await store
    .selectFrom('tls_session')
    .selectAll()
    .where('day', '=', day)
    .where('domain', '=', domain)
    .execute()
  const policies = [...Map.groupBy(rows, ({ policy }) => policy)].map(([policy, group]) => resultsOf(policy, group))
  return {
    organisation: submitter,
    contact: `postmaster@${submitter}`,
    // The same however often it is sent, so that whoever gets it twice counts it once.
    id: `${day}_${domain}_${hash('sha256', `${day} ${domain} ${submitter}`, 'hex').slice(0, 16)}@${submitter}`,
    domain,
    day,
    policies,
  }
}

function resultsOf(policy: string, rows: readonly SessionRow[]): PolicyResults {
  const { type, lines, mx } = JSON.parse(policy) as Published
  const good = rows.filter(({ result }) => result === 'success')
  return {
    type,
    lines,
    mx,
    successes: good.reduce((sum, { sessions }) => sum + sessions, 0),
    failures: rows
      .filter(({ result }) => result !== 'success')
      .map((row) => ({
        type: row.result,
        sendingIp: row.sending_ip,
        mx: row.mx,
        receivingIp: row.receiving_ip,
        sessions: row.sessions,
        words: row.words,
      })),
  }
}
