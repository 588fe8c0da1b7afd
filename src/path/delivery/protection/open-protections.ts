import type { Clock } from '../../../platform/clock.ts'
import type { Dns, Resolver } from '../../../platform/dns.ts'
import type { Log } from '../../../platform/log.ts'
import { hash } from 'node:crypto'
import type { DaneRecord } from '../../../standards/dane/index.ts'
import { allowsMx } from '../../../standards/mta-sts/index.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Target } from '../routing/targets.ts'
import { type DaneFindings, lookUpDane } from './dane-look-up.ts'
import type { Failure } from './failure.ts'
import { notListed } from './judge.ts'
import { MtaStsBook, type MtaStsFinding } from './mta-sts-book.ts'
import { fetchMtaSts } from './mta-sts-fetch.ts'
import type { Protections, SessionResult } from './protections.ts'
import { type SessionCounts, countSessions } from './session-counts.ts'
import type { TlsStore } from './tls-store.ts'
import type { Published, Wanted } from './wanted.ts'

export type ProtectionOptions = {
  /** A resolver whose AD bit is to be believed; null: DANE is off. */
  readonly validating: Resolver | null
  readonly dns: Dns
  readonly store: TlsStore
  /** Null: MTA-STS is off. */
  readonly mtaStsPort: number | null
  /** PEM certificates to trust instead of those of the system. */
  readonly roots: readonly string[] | null
  readonly clock: Clock
  readonly log: Log
}

export type OpenProtections = Protections & {
  /** Does what is due now and then: policies fetched anew, results to the disk. To be called every few seconds. */
  tend(): Promise<void>
  readonly counts: SessionCounts
}

/** How long what was found for a server of a domain serves without another look; milliseconds. DNS is asked again after that. */
const glance = 30_000
const maxRemembered = 20_000

const refreshEvery = 600_000

/** Answers without an AD bit before it is said that there is none. */
const telling = 25

const nothingProven: DaneFindings = { securesServers: false, finding: { kind: 'nothing' } }

/** What the domains of recipients wish for, by DANE (RFC 7672) and MTA-STS (RFC 8461), and the results of the sessions. */
export function openProtections(options: ProtectionOptions): OpenProtections {
  const { store, clock, log, roots, mtaStsPort, dns } = options
  const counts = countSessions(store, clock, log)
  const reach = { dns, port: mtaStsPort ?? 443, roots }
  const policies = new MtaStsBook({ dns, store, clock, log, fetch: (domain) => fetchMtaSts(domain, reach) })
  const remembered = new Map<string, { readonly until: number; readonly wanted: Promise<Wanted> }>()
  const validating = options.validating === null ? null : watched(options.validating, log)
  let refreshAt = clock.now() + refreshEvery

  const lookUp = async (domain: Domain, target: Target): Promise<Wanted> => {
    const dane = validating === null ? nothingProven : await lookUpDane(validating, domain, target)
    const byDane = wantedByDane(domain, target, dane, roots)
    if (byDane !== null) return byDane
    const found = mtaStsPort === null ? { held: null, amiss: null } : await policies.find(domain)
    return wantedByPolicy(domain, target, found, roots, dane.securesServers)
  }
  return {
    wantedAt: (domain, target) => {
      const key = `${domain} ${target.name} ${target.port} ${target.address.includes(':')}`
      const now = clock.now()
      const known = remembered.get(key)
      if (known !== undefined && known.until > now) return known.wanted
      const wanted = lookUp(domain, target).catch((error: unknown): Wanted => {
        log.error('what protects a mail server could not be found out', {
          domain,
          host: target.name,
          error: String(error),
        })
        return doubtful(domain, roots)
      })
      remembered.delete(key)
      remembered.set(key, { until: now + glance, wanted })
      const [oldest] = remembered.keys()
      if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest)
      return wanted
    },
    note: (result: SessionResult) => counts.note(result),
    tend: async () => {
      await counts.write()
      if (clock.now() < refreshAt) return
      refreshAt = clock.now() + refreshEvery
      await policies.refresh()
    },
    counts,
  }
}

/** RFC 7672 §2.2: DANE, where it says anything, beats MTA-STS (RFC 8461 §2). */
function wantedByDane(
  domain: Domain,
  target: Target,
  { securesServers, finding }: DaneFindings,
  roots: readonly string[] | null,
): Wanted | null {
  const tlsa = (lines: readonly string[]): Published => ({ type: 'tlsa', lines, mx: [] })
  const common = { domain, roots, sureOfName: securesServers, published: tlsa([]) }
  switch (finding.kind) {
    case 'nothing':
      return null
    case 'records': {
      const { records, names } = finding
      const key = `dane/${hash('sha256', JSON.stringify([records, names]), 'hex')}`
      return { ...common, published: tlsa(records.map(lineOf)), key, kind: 'dane', records, names }
    }
    case 'unusable':
      return { ...common, key: `encrypted/${target.name}`, kind: 'encrypted' }
    case 'bogus':
      return { ...common, key: 'barred', kind: 'barred', policy: 'dane', failure: finding.failure }
    default:
      return finding satisfies never
  }
}

function wantedByPolicy(
  domain: Domain,
  target: Target,
  { held, amiss }: MtaStsFinding,
  roots: readonly string[] | null,
  securesServers: boolean,
): Wanted {
  if (held === null || held.policy.mode === 'none') {
    const published: Published = { type: amiss === null ? 'no-policy-found' : 'sts', lines: [], mx: [] }
    return { key: 'opportunistic', domain, roots, sureOfName: securesServers, published, kind: 'opportunistic', amiss }
  }
  const { policy } = held
  const listed = allowsMx(policy, target.name)
  const lines = [
    'version: STSv1',
    `mode: ${policy.mode}`,
    ...policy.mx.map((one) => `mx: ${one}`),
    `max_age: ${policy.maxAge}`,
  ]
  const published: Published = { type: 'sts', lines, mx: policy.mx }
  const common = { domain, roots, sureOfName: securesServers || listed, published }
  if (!listed && policy.mode === 'enforce') {
    return { ...common, key: 'barred', kind: 'barred', policy: 'mta-sts', failure: notListed(domain, target.name) }
  }
  return { ...common, key: `mta-sts/${domain}/${held.id}`, kind: 'mta-sts', policy, listed }
}

/** A fault of ours is no leave to send unprotected. */
function doubtful(domain: Domain, roots: readonly string[] | null): Wanted {
  const failure: Failure = {
    type: 'validation-failure',
    because: `what ${domain} wants of connections to it could not be found out`,
    status: '4.3.0',
  }
  const common = { domain, roots, sureOfName: false, published: null }
  return { ...common, key: 'barred', kind: 'barred', policy: 'mta-sts', failure }
}

function lineOf({ usage, selector, matching, data }: DaneRecord): string {
  const numbers = [
    usage === 'authority' ? 2 : 3,
    selector === 'certificate' ? 0 : 1,
    { whole: 0, sha256: 1, sha512: 2 }[matching],
  ]
  return `${numbers.join(' ')} ${data}`
}

/** Says once when no answer of a resolver bears the AD bit: then it does not validate, and DANE is off without anybody's doing. */
function watched(resolver: Resolver, log: Log): Resolver {
  let unsigned = 0
  let isTold = false
  return {
    ask: async (type, name) => {
      const answer = await resolver.ask(type, name)
      if (isTold || 'trouble' in answer) return answer
      if (answer.authentic) isTold = true
      else if (++unsigned >= telling) {
        isTold = true
        log.warn('no answer of the DNS resolver is marked as authentic: it does not validate DNSSEC, so DANE is off')
      }
      return answer
    },
  }
}
