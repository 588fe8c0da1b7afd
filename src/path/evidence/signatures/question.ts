import type { EvidenceDemand } from '../../../rooms/registry/index.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Evidence } from '../evidence.ts'

/** What the policy wants to know of the signatures on a message. */
export type SignatureQuestion = {
  readonly author: Domain
  readonly dkim: EvidenceDemand
  readonly arc: EvidenceDemand
  /** The author domain and the owned domain that includes it: what signs for them counts. */
  readonly own: readonly Domain[]
  /** The recorded initial domain of a tenant, or the domain of a Workspace; null: not recorded. */
  readonly home: Domain | null
  /** Whether the domain is another one of the same customer: a signature of it contradicts nothing. */
  readonly isCustomers: (domain: Domain) => boolean
}

/**
 * Asked once, when it is known for whom a message speaks and before anything is looked up. null: nobody wants to know, since no grant
 * could apply. The policy answers it, so that this room needs no rule of it.
 */
export type AskPolicy = (soFar: Evidence) => SignatureQuestion | null
