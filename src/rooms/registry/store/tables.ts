import type { Kysely, Transaction } from 'kysely'
import type { KeyState } from '../key-state.ts'
import type { ProofTables } from './proof-tables.ts'

/** Moments are milliseconds since the epoch. A row with `from_version` and `until_version` is in force from the one up to, not with, the other. */
export type RegistryTables = ProofTables & {
  /** Every version of the policy, whatever it changed. Append-only. */
  policy_version: { version: number; author: string; reason: string; at: number }
  /** What a customer was from this version on; a null document means gone. Append-only. */
  policy_change: { version: number; customer: string; document: string | null }
  /** What each customer is now. */
  customer: { id: string; version: number; document: string }
  /** The DNS proof token of a customer's domain, kept for ever, so that a record once published stays good. */
  proof_token: { customer: string; domain: string; token: string }
  /** When each assertion was first made: the same words again do not begin another 90 days. */
  assertion: {
    customer: string
    domain: string
    approved_by: string
    reason: string
    until: string
    asserted_at: number
  }
  /** Every key that there ever was. The newest generation at a name is the one that counts there. */
  signing_key: {
    domain: string
    selector: string
    source: string
    customer: string
    algorithm: 'rsa-sha256' | 'ed25519-sha256'
    bits: number
    /** Counts the keys of a domain, whoever's they were. */
    generation: number
    state: KeyState
    /** When it came into this state. */
    state_since: number
    wrapped: string
    /** `p=` of the record, in base64. */
    public_key: string
    record: string
    created_at: number
    seen_at: number | null
    /** When the record of a retired or revoked key was seen to be gone, or its name given to a newer key. */
    gone_at: number | null
    active_from_version: number | null
    active_until_version: number | null
    /** When something is to be done about it: a look in DNS, or a step by the clock; null when there is nothing. */
    look_at: number | null
  }
  /** Keys that grants need and nobody has made. The lowest `turn` is next: it is the negative of the version that asked. */
  wanted_key: {
    customer: string
    domain: string
    source: string
    algorithm: 'rsa-sha256' | 'ed25519-sha256'
    bits: number
    /** 1: asked for beside a key that signs. */
    rotation: number
    turn: number
  }
  standing: {
    key: string
    kind: 'suspended' | 'hold'
    reason: string
    author: string
    since: number
    until: number | null
    from_version: number
    until_version: number | null
  }
}

export type Store = Kysely<RegistryTables>
export type StoreTransaction = Transaction<RegistryTables>
