import { PrefixHash } from './prefix-hash.ts'
import { RelaxedBodyHash } from './relaxed-body-hash.ts'
import type { Canonicalisation } from './signature-tags.ts'
import { SimpleBodyHash } from './simple-body-hash.ts'

/** One body hash that a signature asked for. Read it when the whole body was fed. */
export type WantedBodyHash = {
  read(): {
    /** null: the canonical body is shorter than `l=` says. */
    readonly digest: Buffer | null
    /** Octets of the canonical body that the hash leaves out. */
    readonly uncoveredOctets: number
  }
}

/**
 * Every body hash that the signatures of one message need, in one pass over the body: open the verifications first, then feed the body in
 * chunks cut anywhere, then let them conclude. However many signatures ask, a body is canonicalised at most once in each way.
 */
export class BodyHashes {
  readonly #knownRelaxed: Buffer | null
  readonly #lanes = new Map<Canonicalisation, Lane>()

  /** `relaxed`: SHA-256 of the whole body under relaxed canonicalisation, where it is known already; then it is not computed again. */
  constructor(known: { readonly relaxed?: Buffer } = {}) {
    this.#knownRelaxed = known.relaxed ?? null
  }

  /** Whether anybody needs the body fed. */
  get needBody(): boolean {
    return this.#lanes.size > 0
  }

  want(canonicalisation: Canonicalisation, length: number | null): WantedBodyHash {
    const known = this.#knownRelaxed
    if (known !== null && canonicalisation === 'relaxed' && length === null) {
      return { read: () => ({ digest: known, uncoveredOctets: 0 }) }
    }
    const lane = this.#lanes.get(canonicalisation) ?? new Lane(canonicalisation)
    this.#lanes.set(canonicalisation, lane)
    return lane.want(length)
  }

  /** The next octets of the body as they came off the wire, dots unstuffed. */
  update(chunk: Buffer): void {
    for (const lane of this.#lanes.values()) lane.update(chunk)
  }
}

class Lane {
  readonly #prefixes = new PrefixHash()
  readonly #canonicaliser: { update(chunk: Buffer): void; digest(): Buffer }
  #digest: Buffer | null = null

  constructor(canonicalisation: Canonicalisation) {
    this.#canonicaliser =
      canonicalisation === 'relaxed' ? new RelaxedBodyHash(this.#prefixes) : new SimpleBodyHash(this.#prefixes)
  }

  want(length: number | null): WantedBodyHash {
    if (length !== null) this.#prefixes.mark(length)
    return {
      read: () => {
        const whole = (this.#digest ??= this.#canonicaliser.digest())
        return length === null
          ? { digest: whole, uncoveredOctets: 0 }
          : {
              digest: this.#prefixes.digestOf(length),
              uncoveredOctets: Math.max(0, this.#prefixes.octets - length),
            }
      },
    }
  }

  update(chunk: Buffer): void {
    this.#canonicaliser.update(chunk)
  }
}
