import { createHash } from 'node:crypto'
import type { StoredEvent } from './event.ts'

/** What one decision says of who sends for whom. The first six fields name the row of `seen` that it counts in. */
export type Sighting = {
  /** The owner of the author domain, else of the source; null when it is nobody's here. */
  readonly customer: string | null
  /** What the connection proves: m365, google, smtp-auth, mtls, network, or unproven. */
  readonly kind: string
  /** The tenant, account or fingerprint that was proven; of Google the domain whose signature was. */
  readonly tenant: string | null
  /** Of Google: X-Relaying-Domain, which is unsigned text. */
  readonly originator: string | null
  readonly class: string | null
  readonly connectingHost: string | null
  readonly authorDomain: string | null
  readonly id: string
  readonly at: number
  /** The rule that refused or deferred it, or null when it was taken. */
  readonly refusedBy: string | null
  /** `own`: the owner of the author domain has granted this source. `related`: the source is of the same customer. */
  readonly relation: 'own' | 'related' | 'unknown'
}

/**
 * Reads a sighting off a decision event, or null when it is none, as with mail of our own. The detail is read as JSON of unknown shape, since older versions wrote it too.
 */
export function sightingOf(event: StoredEvent): Sighting | null {
  if (event.kind !== 'decision') return null
  const { detail } = event
  const evidence = at(detail, 'evidence')
  const connection = at(evidence, 'connection')
  const kind = text(at(connection, 'kind'))
  if (kind === null || kind === 'self') return null
  const { customer } = event
  const taken = detail['verdict'] === 'relay' || detail['verdict'] === 'hold'
  return {
    customer,
    ...proven(kind, evidence, customer),
    class: text(at(evidence, 'message', 'class')),
    authorDomain: text(at(evidence, 'message', 'author', 'mailbox', 'domain')),
    id: event.id,
    at: event.at,
    refusedBy: taken ? null : (text(detail['rule']) ?? 'unknown'),
    relation: relationOf(customer, text(detail['grant']), connection),
  }
}

/** The fields that name a row of `seen`. */
export type Named = Pick<Sighting, 'customer' | 'kind' | 'tenant' | 'originator' | 'class' | 'connectingHost'>

/** The six fields as one text: as good a name as `seenId`, and cheaper to make. */
export function nameOf(row: Named): string {
  return JSON.stringify([row.customer, row.kind, row.tenant, row.originator, row.class, row.connectingHost])
}

/** Names the row of a sighting; the same for ever for the same six fields. */
export function seenId(row: Named): string {
  return createHash('sha256').update(nameOf(row)).digest('hex').slice(0, 16)
}

type Proven = Pick<Sighting, 'kind' | 'tenant' | 'originator' | 'connectingHost'>

function proven(kind: string, evidence: unknown, customer: string | null): Proven {
  const connection = at(evidence, 'connection')
  const nothing = { kind, tenant: null, originator: null, connectingHost: null }
  switch (kind) {
    case 'm365':
      return {
        kind,
        tenant: text(at(evidence, 'm365', 'tenant', 'value')),
        originator: text(at(evidence, 'm365', 'originator', 'value')),
        connectingHost: text(at(evidence, 'm365', 'attributed', 'address')),
      }
    case 'google':
      return {
        ...nothing,
        tenant: text(at(evidence, 'google', 'domain', 'value')),
        originator: text(at(evidence, 'google', 'relayingDomain')),
      }
    case 'smtp-auth':
      return { ...nothing, tenant: text(at(connection, 'account', 'value')) }
    case 'mtls':
      return { ...nothing, tenant: text(at(connection, 'fingerprint', 'value')) }
    case 'network':
      return { ...nothing, connectingHost: text(at(connection, 'address', 'value')) }
    default: {
      // Where no customer is concerned anybody could fill the table with addresses.
      const client = customer === null ? null : text(at(evidence, 'session', 'client'))
      return { ...nothing, kind: 'unproven', connectingHost: client === null ? null : networkOf(client) }
    }
  }
}

function relationOf(customer: string | null, grant: string | null, connection: unknown): Sighting['relation'] {
  if (grant !== null) return 'own'
  return customer !== null && at(connection, 'source', 'customer') === customer ? 'related' : 'unknown'
}

/** An IPv6 peer has a /64 of addresses to itself. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [front = '', back = ''] = address.split('::')
  const groups = front.split(':').filter((group) => group !== '')
  const missing = address.includes('::')
    ? 8 - groups.length - back.split(':').filter((group) => group !== '').length
    : 0
  const first = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0')].slice(0, 4)
  return `${first.join(':')}::/64`
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value
  for (const name of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as { readonly [name: string]: unknown })[name]
  }
  return here
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 320) : null
}
