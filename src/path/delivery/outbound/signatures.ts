import type { DecisionId } from '../../decision/decision.ts'

/** A signature is reused for this many milliseconds: for all destinations of a message, and for its first retries. */
const signatureReuse = 15 * 60_000

/** More than this many are not remembered; the oldest is forgotten and made again when it is needed. */
const maxRemembered = 20_000

/** The DKIM-Signature fields made for a message, by message and policy version. */
export type MadeSignature = {
  readonly policyVersion: number
  readonly fields: Buffer
  readonly selectors: readonly string[]
  /** Milliseconds since the epoch. */
  readonly madeAt: number
}

/** Signatures made of late. */
export class SignatureMemory {
  readonly #made = new Map<DecisionId, MadeSignature>()

  /** One made under this policy version and not too long ago, or null. */
  find(id: DecisionId, policyVersion: number, now: number): MadeSignature | null {
    const made = this.#made.get(id)
    if (made === undefined) return null
    if (made.policyVersion === policyVersion && now - made.madeAt < signatureReuse && now >= made.madeAt) return made
    this.#made.delete(id)
    return null
  }

  keep(id: DecisionId, made: MadeSignature): void {
    this.#made.set(id, made)
    const [oldest] = this.#made.keys()
    if (this.#made.size > maxRemembered && oldest !== undefined) this.#made.delete(oldest)
  }

  forget(id: DecisionId): void {
    this.#made.delete(id)
  }
}
