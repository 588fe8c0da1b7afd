import { createHash } from 'node:crypto'
import { keyRecordName } from '../../standards/dkim/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type ZoneRecord, zoneLine } from '../../standards/zone-file.ts'
import type { KeyListing } from './key-listing.ts'
import { recordDue } from './key-state.ts'
import { selectorsInTurn } from './selector.ts'

/** Longest name that DNS has, in characters (RFC 1035 §2.3.4, less the lengths at both ends). */
const longestName = 253
/** What stands in our zone is looked up anew after an hour, so a revocation is known after one. */
const ttl = 3600

type Alias = ZoneRecord & { readonly type: 'CNAME' }

/** The alias that a customer publishes once in place of the key's own record: it leads into our zone, where we keep the key. */
export function delegationOf(key: Pick<KeyListing, 'selector' | 'domain'>, zone: Domain): Alias {
  const name = keyRecordName(key.selector, key.domain)
  return { name, type: 'CNAME', value: targetOf(key, zone) }
}

/** A domain too long to stand in our zone as it is stands there as a part of its hash. */
function targetOf({ selector, domain }: Pick<KeyListing, 'selector' | 'domain'>, zone: Domain): string {
  const plain = `${selector}.${domain}.${zone}`
  if (plain.length <= longestName) return plain
  return `${selector}.${createHash('sha256').update(domain).digest('hex').slice(0, 32)}.${zone}`
}

/** What stands in our zone, as a part of a zone file: a record for each key that is to be seen, or seen to be revoked. */
export function ourZoneFile(keys: readonly KeyListing[], zone: Domain): string {
  const lines = keys
    .filter((key) => recordDue(key.state) !== 'nothing')
    .map((key) => zoneLine({ name: targetOf(key, zone), type: 'TXT', value: key.record.value }))
  return fileOf(`keys under ${zone}`, lines)
}

/**
 * What the owner of a domain publishes, as a part of a zone file. As aliases: both names between which the keys of a source go in turn, so
 * that no rotation needs him again. As texts: the records of the keys there are.
 */
export function ownersZoneFile(
  keys: readonly KeyListing[],
  zone: Domain,
  domain: Domain,
  form: 'cname' | 'txt',
): string {
  const own = keys.filter((key) => key.domain === domain && recordDue(key.state) !== 'nothing')
  const records =
    form === 'txt'
      ? own.map((key) => key.record)
      : own.flatMap((key) => aliasesFor(key).map((one) => delegationOf(one, zone)))
  return fileOf(`keys of ${domain}`, [...new Set(records.map(zoneLine))])
}

function aliasesFor(key: KeyListing): readonly Pick<KeyListing, 'selector' | 'domain'>[] {
  const turn = selectorsInTurn(key.source, key.algorithm === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256')
  return [...new Set([...turn, key.selector])].map((selector) => ({ selector, domain: key.domain }))
}

function fileOf(what: string, lines: readonly string[]): string {
  return [`; ${what}`, `$TTL ${ttl}`, ...lines, ''].join('\n')
}
