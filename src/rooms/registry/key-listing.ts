import { keyRecordName } from '../../standards/dkim/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type KeyState, recordDue } from './key-state.ts'
import type { ListedKeyRow } from './store/keys.ts'

/** A key as people see it. */
export type KeyListing = {
  readonly customer: string
  readonly domain: Domain
  readonly source: string
  readonly selector: string
  readonly algorithm: 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ed25519'
  readonly state: KeyState
  /** When it came into this state, in milliseconds since the epoch. */
  readonly since: number
  /** What is to stand in DNS; of a retired key, what is to be removed. */
  readonly record: { readonly name: string; readonly type: 'TXT'; readonly value: string }
  /** `p=` of the key itself, in base64. */
  readonly publicKey: string
  readonly createdAt: number
  readonly seenAt: number | null
  /** When the record of a retired or revoked key was seen to be gone. */
  readonly goneAt: number | null
}

/** The keys that count at their names, of those in order of their generation. */
export function listingsOf(rows: readonly ListedKeyRow[]): readonly KeyListing[] {
  const newest = new Map(rows.map((row) => [`${row.selector} ${row.domain}`, row.generation]))
  return rows.filter((row) => newest.get(`${row.selector} ${row.domain}`) === row.generation).map(listingOf)
}

export function listingOf(row: ListedKeyRow): KeyListing {
  const value = recordDue(row.state) === 'revocation' ? revoked(row.record) : row.record
  return {
    customer: row.customer,
    domain: row.domain as Domain,
    source: row.source,
    selector: row.selector,
    algorithm: row.algorithm === 'ed25519-sha256' ? 'ed25519' : (`rsa-${row.bits}` as KeyListing['algorithm']),
    state: row.state,
    since: row.state_since,
    record: { name: keyRecordName(row.selector, row.domain as Domain), type: 'TXT', value },
    publicKey: row.public_key,
    createdAt: row.created_at,
    seenAt: row.seen_at,
    goneAt: row.gone_at,
  }
}

/** RFC 6376 §3.6.1: an empty p= says that the key has been revoked. */
function revoked(record: string): string {
  return record.replace(/p=[^;]*/, 'p=')
}
