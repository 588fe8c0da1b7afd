import type { OwnedDomain, Source } from '../../rooms/registry/index.ts'
import type { OwnerLock } from '../../standards/owner-lock/owner-lock.ts'
import type { LockEvidence, MessageClass } from '../evidence/evidence.ts'
import type { Attribution } from './decision.ts'

/** What the owner's lock in DNS has against a message. */
export type LockGap = {
  readonly rule: 'tenant-not-authorised' | 'class-not-authorised' | 'lookup-failed'
  readonly because: string
}

/**
 * Where the policy puts a domain under a lock, the owner's DNS must allow what the policy allows: this source, by what the connection
 * proved, and this class. Null when there is no lock, or when it allows it. A lock that was not read allows nothing.
 */
export function lockGap(
  owned: OwnedDomain,
  lock: LockEvidence | null,
  {
    source,
    attribution,
    messageClass,
  }: {
    readonly source: Source
    readonly attribution: Attribution
    readonly messageClass: MessageClass
  },
): LockGap | null {
  if (!owned.dnsLock) return null
  if (lock === null || lock.domain !== owned.name) {
    return { rule: 'lookup-failed', because: `the DNS lock of ${owned.name} has not been read yet` }
  }
  if (lock.kind === 'unavailable') return { rule: 'lookup-failed', because: lock.because }
  if (!names(lock.lock, source, attribution)) {
    const what = lock.lock.records === 0 ? 'has no record' : `does not name ${source.id}`
    return { rule: 'tenant-not-authorised', because: `the DNS lock of ${owned.name} ${what}` }
  }
  const { classes } = lock.lock
  if (classes === null || classes.includes(messageClass)) return null
  return {
    rule: 'class-not-authorised',
    because: `class ${messageClass}; the DNS lock of ${owned.name} allows ${classes.join(', ')}`,
  }
}

/** By tenant and originator, by Workspace, or by the id that the source has in the policy. */
function names(lock: OwnerLock, source: Source, attribution: Attribution): boolean {
  if (lock.sources.includes(source.id)) return true
  if (source.kind === 'google') return lock.google.includes(source.workspaceDomain)
  if (source.kind !== 'm365' || attribution.kind !== 'm365') return false
  return lock.m365.some(
    ({ tenant, originators }) => tenant === attribution.tenant && originators.includes(attribution.originator),
  )
}
