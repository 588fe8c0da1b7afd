import type { KeyName, WrappedKey } from './protocol.ts'

/** One authorisation, reduced to what a signature needs: this source of this customer may speak for this domain. */
export type GrantCopy = {
  readonly customer: string
  readonly source: string
  readonly domain: string
  /** Whether author domains below `domain` are meant too. */
  readonly subdomains: boolean
}

/** The policy of one moment, as far as the signer needs to know it. */
export type PolicyCopy = { readonly version: number; readonly grants: Iterable<GrantCopy> }

/** Where the relay's client finds what its signer has to know. */
export type PolicySource = {
  /** All grants of this moment: asked for whenever a signer process starts. */
  readonly copy: () => PolicyCopy
  /** A key that may sign at this moment, or null: asked for when it is first to sign. */
  readonly activeKey: (name: KeyName) => Promise<WrappedKey | null>
}

/** What differs from the copy before it. */
export type PolicyChange = {
  readonly version: number
  readonly grants: readonly GrantCopy[]
  readonly lostGrants: readonly GrantCopy[]
  readonly lostKeys: readonly KeyName[]
}

/** The parts of a customer of the registry that `reducePolicy` reads. */
export type CustomerShape = {
  readonly id: string
  readonly domains: readonly { readonly name: string; readonly includeSubdomains: boolean }[]
  readonly grants: readonly { readonly source: string; readonly domains: readonly string[] }[]
}

const self = 'self'

/** Reduces the customers of a policy to grants. Our own notifications (source `self`) speak for `operator`, when a customer owns it. */
export function* reducePolicy(
  customers: Iterable<CustomerShape>,
  operator: string | null,
): Generator<GrantCopy, void, void> {
  for (const customer of customers) {
    const subdomains = new Map(customer.domains.map((domain) => [domain.name, domain.includeSubdomains]))
    for (const grant of customer.grants) {
      for (const domain of grant.domains) {
        yield { customer: customer.id, source: grant.source, domain, subdomains: subdomains.get(domain) ?? false }
      }
    }
    if (operator !== null && customer.domains.some((owned) => reaches(owned, operator))) {
      yield { customer: customer.id, source: self, domain: operator, subdomains: false }
    }
  }
}

/** What turns a copy with the grants `before` into one with `after`: enough are those of the customers that changed. */
export function grantChange(
  before: Iterable<GrantCopy>,
  after: Iterable<GrantCopy>,
): Pick<PolicyChange, 'grants' | 'lostGrants'> {
  const lost = byText(before)
  const gained = byText(after)
  for (const text of lost.keys()) {
    if (gained.delete(text)) lost.delete(text)
  }
  return { grants: [...gained.values()], lostGrants: [...lost.values()] }
}

function byText(grants: Iterable<GrantCopy>): Map<string, GrantCopy> {
  const named = new Map<string, GrantCopy>()
  for (const grant of grants) named.set(grantText(grant), grant)
  return named
}

/** Grants that a frame holds at most. */
const grantsInFrame = 2000

/** A whole copy in changes of bounded size. All but the last have a version below every other: no permit holds under half a policy. */
export function* copyInParts({ version, grants }: PolicyCopy): Generator<PolicyChange, void, void> {
  let part: GrantCopy[] = []
  for (const grant of grants) {
    part.push(grant)
    if (part.length < grantsInFrame) continue
    yield { version: -1, grants: part, lostGrants: [], lostKeys: [] }
    part = []
  }
  yield { version, grants: part, lostGrants: [], lostKeys: [] }
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

/** JSON keeps the parts apart whatever they hold. */
function grantText(grant: GrantCopy): string {
  return JSON.stringify([grant.customer, grant.source, grant.domain, grant.subdomains])
}

/** A selector and a domain name one key record, so one key. Neither part can hold a blank. */
export function recordName(key: KeyName): string {
  return `${key.selector} ${key.domain}`
}

function reaches(owned: CustomerShape['domains'][number], domain: string): boolean {
  return owned.name === domain || (owned.includeSubdomains && domain.endsWith(`.${owned.name}`))
}
