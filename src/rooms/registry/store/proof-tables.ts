import type { ProofState } from '../proof-state.ts'

/** Moments are milliseconds since the epoch. */
export type ProofTables = {
  /** What is known of each DNS proof that a customer's policy asks for now. */
  domain_proof: {
    customer: string
    domain: string
    state: ProofState
    /** Since when it is in that state. */
    since: number
    proved_at: number | null
    lapses_at: number | null
    looked_at: number | null
    seen_at: number | null
    /** Why the last look told nothing, in words; null when it did. */
    trouble: string | null
    look_at: number
  }
  /** What a DNS proof was from this version on. Append-only. */
  proof_change: {
    version: number
    customer: string
    domain: string
    state: ProofState
    proved_at: number | null
    lapses_at: number | null
  }
  /** Claims to a domain of another customer, which the last policy that was refused made. */
  refused_claim: { domain: string; customer: string; holder: string; at: number }
  /** What happened here, until the ledger has it. The last stays, so that no sequence number comes again. */
  registry_event: {
    sequence: number
    at: number
    kind: string
    id: string
    customer: string | null
    detail: string
  }
}
