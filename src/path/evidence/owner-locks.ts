import { type Dns, isDnsTrouble } from '../../platform/dns.ts'
import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { ownerLockName, parseOwnerLock } from '../../standards/owner-lock/owner-lock.ts'
import type { Evidence, LockEvidence } from './evidence.ts'

/** How long what was read last answers a question that cannot wait, in milliseconds. */
const goodForMs = 30_000
/** Locks remembered; what is beyond is read anew. */
const mostLocks = 10_000

/**
 * What the owners of locked domains allow in DNS. Each message asks the resolver, which keeps an answer for as long as it says: an entry
 * taken out stops mail when its record runs out. Who cannot wait gets what was read within the last half minute.
 */
export class OwnerLocks {
  readonly #dns: Dns
  readonly #last = new Map<Domain, { readonly lock: LockEvidence; readonly at: number }>()
  readonly #reading = new Map<Domain, Promise<LockEvidence>>()

  constructor(dns: Dns) {
    this.#dns = dns
  }

  /** Evidence with the lock of the author's domain, when the policy puts it under one. */
  async added(evidence: Evidence, policy: PolicySnapshot | null, now: number): Promise<Evidence> {
    const author = evidence.message?.author
    const owned = author?.kind === 'mailbox' ? (policy?.ownerOf(author.mailbox.domain) ?? null) : null
    if (owned === null || !owned.dnsLock) return evidence
    return { ...evidence, lock: await this.#read(owned.name, now) }
  }

  /** Without waiting: null when it was not read lately; then it is being read, for the next time. */
  current(domain: Domain, now: number): LockEvidence | null {
    const last = this.#last.get(domain)
    if (last !== undefined && last.at <= now && now < last.at + goodForMs) return last.lock
    void this.#read(domain, now)
    return null
  }

  #read(domain: Domain, now: number): Promise<LockEvidence> {
    const under = this.#reading.get(domain)
    if (under !== undefined) return under
    const reading = readLock(this.#dns, domain)
      .then((lock) => {
        this.#last.delete(domain)
        const [oldest] = this.#last.keys()
        if (oldest !== undefined && this.#last.size >= mostLocks) this.#last.delete(oldest)
        this.#last.set(domain, { lock, at: now })
        return lock
      })
      .finally(() => this.#reading.delete(domain))
    this.#reading.set(domain, reading)
    return reading
  }
}

async function readLock(dns: Dns, domain: Domain): Promise<LockEvidence> {
  const name = ownerLockName(domain)
  const texts = await dns
    .txt(name)
    .catch((error: unknown) => ({ trouble: error instanceof Error ? error.message : 'fault', name }) as const)
  if (isDnsTrouble(texts) || !Array.isArray(texts)) {
    const trouble = 'trouble' in texts ? texts.trouble : 'fault'
    return { kind: 'unavailable', domain, because: `the lock at ${name} cannot be read: ${trouble}` }
  }
  const lock = parseOwnerLock(texts)
  if (isSyntaxFault(lock)) {
    return { kind: 'unavailable', domain, because: `the lock at ${name} cannot be understood: ${lock.reason}` }
  }
  return { kind: 'read', domain, lock }
}
