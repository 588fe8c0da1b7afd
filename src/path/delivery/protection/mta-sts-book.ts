import type { Clock } from '../../../platform/clock.ts'
import { type Dns, isDnsTrouble } from '../../../platform/dns.ts'
import type { Log } from '../../../platform/log.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type MtaStsPolicy, parseMtaStsPolicy, parseMtaStsRecords } from '../../../standards/mta-sts/index.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Failure } from './failure.ts'
import type { MtaStsFetched } from './mta-sts-fetch.ts'
import type { TlsStore } from './tls-store.ts'

/** A policy that holds at this moment. */
export type HeldPolicy = {
  readonly id: string
  readonly text: string
  readonly policy: MtaStsPolicy
  readonly fetchedAt: number
}

/** What a domain's policy is; `amiss`: it announced one that could not be had, and none is held. */
export type MtaStsFinding = { readonly held: HeldPolicy | null; readonly amiss: Failure | null }

export type MtaStsBookOptions = {
  readonly dns: Dns
  readonly store: TlsStore
  readonly fetch: (domain: Domain) => Promise<MtaStsFetched>
  readonly clock: Clock
  readonly log: Log
}

/** How long the answer for a domain serves without a look at DNS, which keeps its own by their time to live; milliseconds. */
const glance = 60_000

/** RFC 8461 §3.3: what could not be fetched is not asked for again at once. */
const fetchAgain = 300_000

/** A policy older than this, or than half its life, is fetched again although it holds (RFC 8461 §10.2). */
const freshFor = 86_400_000

/** What nobody sent to for as long is let expire. */
const usedWithin = 7 * 86_400_000

/** Domains whose answer is remembered; the oldest is forgotten. */
const maxRemembered = 20_000

/** Policies that are fetched anew in one turn. */
const refreshedAtOnce = 50

type Known = MtaStsFinding & { readonly until: number }

/**
 * The MTA-STS policies of recipient domains (RFC 8461): found by their TXT record, fetched once for each id, kept over restarts until
 * their `max_age` is over. A policy that is held stays in force whatever becomes of record and server.
 */
export class MtaStsBook {
  readonly #options: MtaStsBookOptions
  readonly #known = new Map<Domain, Known>()
  readonly #looking = new Map<Domain, Promise<Known>>()
  /** Until when a domain is not asked for the policy of this id, and why. */
  readonly #failures = new Map<Domain, { readonly id: string; readonly until: number; readonly failure: Failure }>()

  constructor(options: MtaStsBookOptions) {
    this.#options = options
  }

  /** The policy of a domain. A first look waits for DNS and for the fetch; nobody asks twice at one time. Never rejects. */
  async find(domain: Domain): Promise<MtaStsFinding> {
    const now = this.#options.clock.now()
    const known = this.#known.get(domain)
    if (known !== undefined && known.until > now && (known.held === null || holds(known.held, now))) return known
    const looking = this.#looking.get(domain) ?? this.#look(domain)
    this.#looking.set(domain, looking)
    try {
      return await looking
    } finally {
      this.#looking.delete(domain)
    }
  }

  /** Fetches policies again before they run out, so that nobody gets rid of one by keeping us from its server for a while. */
  async refresh(): Promise<void> {
    const { store, clock } = this.#options
    const now = clock.now()
    const rows = await store
      .selectFrom('mta_sts_policy')
      .selectAll()
      .where('used_at', '>', now - usedWithin)
      .orderBy('fetched_at')
      .limit(refreshedAtOnce)
      .execute()
    for (const row of rows) {
      const held = heldFrom(row)
      const domain = row.domain as Domain
      if (held !== null && holds(held, now) && isAging(held, now)) await this.#fetch(domain, held.id, held)
    }
    const dead = now - longestLife
    await store.deleteFrom('mta_sts_policy').where('fetched_at', '<', dead).execute()
  }

  async #look(domain: Domain): Promise<Known> {
    let finding: MtaStsFinding
    try {
      finding = await this.#lookOnce(domain)
    } catch (error) {
      this.#options.log.error('the MTA-STS policies cannot be read', { domain, error: String(error) })
      finding = { held: this.#known.get(domain)?.held ?? null, amiss: null }
    }
    const known = { ...finding, until: this.#options.clock.now() + glance }
    this.#known.delete(domain)
    this.#known.set(domain, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > maxRemembered && oldest !== undefined) this.#known.delete(oldest)
    return known
  }

  async #lookOnce(domain: Domain): Promise<MtaStsFinding> {
    const { dns, clock } = this.#options
    const held = await this.#held(domain)
    const texts = await dns.txt(`_mta-sts.${domain}`)
    const record = isDnsTrouble(texts) ? null : parseMtaStsRecords(texts)
    // RFC 8461 §3.1: no record, or none to be read, takes nothing away from a policy that is held.
    if (record === null) return { held, amiss: null }
    if (isSyntaxFault(record)) return { held, amiss: held === null ? unreadable(domain, record.reason) : null }
    if (held?.id === record.id) {
      if (isAging(held, clock.now())) void this.#fetch(domain, record.id, held)
      return { held, amiss: null }
    }
    return this.#fetch(domain, record.id, held)
  }

  /** The policy that is held of a domain, if it is still in force, from memory or from the store. */
  async #held(domain: Domain): Promise<HeldPolicy | null> {
    const { store, clock } = this.#options
    const now = clock.now()
    const remembered = this.#known.get(domain)?.held ?? null
    const row = await store.selectFrom('mta_sts_policy').selectAll().where('domain', '=', domain).executeTakeFirst()
    const held = row === undefined ? remembered : heldFrom(row)
    if (held === null || !holds(held, now)) return null
    if (row !== undefined && now - row.used_at > usedWithin / 7) {
      await store.updateTable('mta_sts_policy').set({ used_at: now }).where('domain', '=', domain).execute()
    }
    return held
  }

  async #fetch(domain: Domain, id: string, held: HeldPolicy | null): Promise<MtaStsFinding> {
    const { clock, log, fetch } = this.#options
    const failed = this.#failures.get(domain)
    if (failed !== undefined && failed.id === id && failed.until > clock.now()) {
      return { held, amiss: held === null ? failed.failure : null }
    }
    const fetched = await fetch(domain)
    if ('failure' in fetched) {
      log.warn('an MTA-STS policy could not be had', { domain, because: fetched.failure.because, held: held !== null })
      this.#failures.delete(domain)
      this.#failures.set(domain, { id, until: clock.now() + fetchAgain, failure: fetched.failure })
      const [oldest] = this.#failures.keys()
      if (this.#failures.size > maxRemembered && oldest !== undefined) this.#failures.delete(oldest)
      return { held, amiss: held === null ? fetched.failure : null }
    }
    this.#failures.delete(domain)
    const { text, policy } = fetched
    const fresh: HeldPolicy = { id, text, policy, fetchedAt: clock.now() }
    await this.#save(domain, fresh)
    return { held: fresh, amiss: null }
  }

  async #save(domain: Domain, { id, text, fetchedAt }: HeldPolicy): Promise<void> {
    const row = { policy_id: id, text, fetched_at: fetchedAt, used_at: fetchedAt }
    try {
      await this.#options.store
        .insertInto('mta_sts_policy')
        .values({ domain, ...row })
        .onConflict((conflict) => conflict.column('domain').doUpdateSet(row))
        .execute()
    } catch (error) {
      this.#options.log.error('an MTA-STS policy could not be kept', { domain, error: String(error) })
    }
  }
}

/** No policy lives longer (RFC 8461 §3.2). */
const longestLife = 31_557_600_000

function holds({ policy, fetchedAt }: HeldPolicy, now: number): boolean {
  return now < fetchedAt + policy.maxAge * 1000
}

function isAging({ policy, fetchedAt }: HeldPolicy, now: number): boolean {
  return now >= fetchedAt + Math.min(freshFor, policy.maxAge * 500)
}

function heldFrom(row: { policy_id: string; text: string; fetched_at: number }): HeldPolicy | null {
  const policy = parseMtaStsPolicy(row.text)
  return isSyntaxFault(policy) ? null : { id: row.policy_id, text: row.text, policy, fetchedAt: row.fetched_at }
}

function unreadable(domain: Domain, reason: string): Failure {
  const because = `the MTA-STS record of ${domain} cannot be read: ${reason}`
  return { type: 'sts-policy-invalid', because, status: '4.7.5' }
}
