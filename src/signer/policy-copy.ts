import type { WrappedKey } from './protocol.ts'

/** One authorisation, reduced to what a signature needs: this source of this customer may speak for this domain. */
export type GrantCopy = {
  readonly customer: string
  readonly source: string
  readonly domain: string
  /** Whether author domains below `domain` are meant too. */
  readonly subdomains: boolean
}

/** The signer's own copy of the policy, as the relay gives it. */
export type PolicyCopy = {
  readonly version: number
  readonly grants: readonly GrantCopy[]
  readonly keys: readonly WrappedKey[]
}

/** What differs from the copy before it. */
export type PolicyChange = {
  readonly version: number
  readonly grants: readonly GrantCopy[]
  readonly lostGrants: readonly GrantCopy[]
  readonly keys: readonly WrappedKey[]
  readonly lostKeys: readonly WrappedKey[]
}

/** The parts of a customer of the registry that `reducePolicy` reads. */
export type CustomerShape = {
  readonly id: string
  readonly domains: readonly { readonly name: string; readonly includeSubdomains: boolean }[]
  readonly grants: readonly { readonly source: string; readonly domains: readonly string[] }[]
}

const self = 'self'

/** Reduces the customers of a policy to grants. Our own notifications (source `self`) speak for `operator`, when a customer owns it. */
export function reducePolicy(customers: Iterable<CustomerShape>, operator: string | null): readonly GrantCopy[] {
  const grants: GrantCopy[] = []
  for (const customer of customers) {
    const subdomains = new Map(customer.domains.map((domain) => [domain.name, domain.includeSubdomains]))
    for (const grant of customer.grants) {
      for (const domain of grant.domains) {
        grants.push({
          customer: customer.id,
          source: grant.source,
          domain,
          subdomains: subdomains.get(domain) ?? false,
        })
      }
    }
    if (operator !== null && customer.domains.some((owned) => reaches(owned, operator))) {
      grants.push({ customer: customer.id, source: self, domain: operator, subdomains: false })
    }
  }
  return grants
}

/** What turns the copy `before` into `after`; with null before, all of it. Linear in the size of both. */
export function policyChange(before: PolicyCopy | null, after: PolicyCopy): PolicyChange {
  const grants = difference(before?.grants ?? [], after.grants, grantText, () => true)
  const keys = difference(before?.keys ?? [], after.keys, recordName, sameKey)
  return {
    version: after.version,
    grants: grants.gained,
    lostGrants: grants.lost,
    keys: keys.gained.map(wrappedOf),
    lostKeys: keys.lost.map(wrappedOf),
  }
}

/** Finds a grant by customer, source and author domain, at once whatever their number. */
export class GrantIndex {
  readonly #grants = new Set<string>()

  apply(change: PolicyChange): void {
    for (const grant of change.lostGrants) this.#grants.delete(grantText(grant))
    for (const grant of change.grants) this.#grants.add(grantText(grant))
  }

  covers(customer: string, source: string, domain: string): boolean {
    if (this.#has(customer, source, domain, false) || this.#has(customer, source, domain, true)) return true
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      if (this.#has(customer, source, domain.slice(dot + 1), true)) return true
    }
    return false
  }

  #has(customer: string, source: string, domain: string, subdomains: boolean): boolean {
    return this.#grants.has(grantText({ customer, source, domain, subdomains }))
  }
}

/** By name: what is new or no longer the same is gained, what is gone or no longer the same is lost. */
function difference<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (item: T) => string,
  same: (a: T, b: T) => boolean,
): { readonly gained: readonly T[]; readonly lost: readonly T[] } {
  const lost = new Map(before.map((item) => [nameOf(item), item]))
  const gained = new Map<string, T>()
  const kept = new Set<string>()
  for (const item of after) {
    const name = nameOf(item)
    const old = lost.get(name)
    if (kept.has(name)) continue
    if (old !== undefined && same(old, item)) {
      lost.delete(name)
      kept.add(name)
    } else gained.set(name, item)
  }
  return { gained: [...gained.values()], lost: [...lost.values()] }
}

/** JSON keeps the parts apart whatever they hold. */
function grantText(grant: GrantCopy): string {
  return JSON.stringify([grant.customer, grant.source, grant.domain, grant.subdomains])
}

/** A selector and a domain name one key record, so one key. Neither part can hold a blank. */
export function recordName(key: Pick<WrappedKey, 'selector' | 'domain'>): string {
  return `${key.selector} ${key.domain}`
}

function sameKey(a: WrappedKey, b: WrappedKey): boolean {
  return a.source === b.source && a.customer === b.customer && a.algorithm === b.algorithm && a.wrapped === b.wrapped
}

/** Without whatever else the caller keeps beside a key. */
function wrappedOf({ selector, domain, source, customer, algorithm, wrapped }: WrappedKey): WrappedKey {
  return { selector, domain, source, customer, algorithm, wrapped }
}

function reaches(owned: CustomerShape['domains'][number], domain: string): boolean {
  return owned.name === domain || (owned.includeSubdomains && domain.endsWith(`.${owned.name}`))
}
