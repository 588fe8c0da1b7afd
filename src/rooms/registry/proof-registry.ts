import type { Clock } from '../../platform/clock.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { StoredEvent } from '../ledger/index.ts'
import type { RefusedClaim } from './document/problems.ts'
import { type DomainListing, listDomains } from './domain-list.ts'
import {
  type LookOptions,
  type LookedProof,
  type ProofChange,
  type WantedProof,
  claimOwnDomain,
  dueProofs,
  noteLooks,
  proofsOf,
} from './proof-book.ts'
import { reportRefusedClaims } from './refused-claims.ts'
import { dropEventsBefore, readEventsAfter, readEventsOf, registryShard } from './store/events.ts'
import { readProofHolders } from './store/proofs.ts'
import type { Store } from './store/tables.ts'
import type { Author } from './store/versions.ts'

/** The part of the registry that is about who owns which domain. */
export interface ProofRegistry {
  domains(): Promise<readonly DomainListing[]>
  /** Has the operator's own domain looked for like a customer's. Once when control starts. */
  claimOwnDomain(): Promise<void>
  /** Proofs that are to be looked for at `now`, at most twice `limit`. */
  proofsToLookFor(now: number, limit: number): Promise<readonly WantedProof[]>
  /** Every proof that the policy asks for, or those of some domains. */
  proofs(domains: readonly string[] | null): Promise<readonly WantedProof[]>
  /** Writes down what looks for proofs came to; answers what changed by it, which is one version. */
  noteProofs(looks: readonly LookedProof[], options: LookOptions, author?: string): Promise<readonly ProofChange[]>
  /** Who has proved which domain by DNS, by domain. */
  proved(): Promise<ReadonlyMap<string, string>>
  /** Tells claimant and holder of claims for which a policy was refused. */
  reportRefusedClaims(claims: readonly RefusedClaim[]): Promise<void>
  /** What happened here and the ledger has not taken yet. */
  readonly events: RegistryEvents
}

/** The registry's outbox, as the ledger reads it. */
export type RegistryEvents = {
  readonly shard: number
  after(sequence: number, limit: number): Promise<readonly StoredEvent[]>
  find(id: string): Promise<readonly StoredEvent[]>
  dropBefore(sequence: number): Promise<void>
}

export function proofRegistry(
  store: Store,
  operator: Domain,
  clock: Clock,
  by: (author: string, reason: string) => Author,
): ProofRegistry {
  return {
    domains: () => listDomains(store, operator, clock.now()),
    claimOwnDomain: () => claimOwnDomain(store, operator, by('the program', `the operator's domain is ${operator}`)),
    proofsToLookFor: (now, limit) => dueProofs(store, now, limit),
    proofs: (domains) => proofsOf(store, domains),
    noteProofs: (looks, options, author = 'domain check') =>
      noteLooks(store, looks, options, by(author, `${looks.length} domains were looked at`)),
    proved: () => readProofHolders(store),
    reportRefusedClaims: (claims) => reportRefusedClaims(store, claims, clock.now()),
    events: {
      shard: registryShard,
      after: (sequence, limit) => readEventsAfter(store, sequence, limit),
      find: (id) => readEventsOf(store, id),
      dropBefore: (sequence) => dropEventsBefore(store, sequence),
    },
  }
}
