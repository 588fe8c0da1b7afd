import { createHash } from 'node:crypto'
import type { Authorities } from './authorities.ts'
import { type ChainVerdict, verifyChain } from './verify-chain.ts'

/** How long a refusal is remembered: the peer's next certificate, or our clock, may be better. */
const refusalLifetime = 60_000
const maxRemembered = 1000

/** Verifies client chains and remembers the verdicts: a provider's edge comes with the same chain thousands of times an hour. */
export class CertificateVerifier {
  readonly #wanted: { readonly names: readonly string[]; readonly authorities: Authorities }
  /** The chain of one session is asked for at each of its messages: its hash is taken once. */
  readonly #keys = new WeakMap<readonly Buffer[], string>()
  readonly #verdicts = new Map<string, { readonly verdict: ChainVerdict; readonly until: number }>()

  constructor(names: readonly string[], authorities: Authorities) {
    this.#wanted = { names, authorities }
  }

  /** `chain` is DER, leaf first; `now` in milliseconds since the epoch. */
  verify(chain: readonly Buffer[], now: number): ChainVerdict {
    const key = this.#keyOf(chain)
    const known = this.#verdicts.get(key)
    if (known !== undefined && now <= known.until) return known.verdict
    const verdict = verifyChain(chain, this.#wanted, now)
    this.#verdicts.delete(key)
    if (this.#verdicts.size >= maxRemembered) this.#forgetOldest()
    this.#verdicts.set(key, { verdict, until: verdict.kind === 'pass' ? verdict.until : now + refusalLifetime })
    return verdict
  }

  #keyOf(chain: readonly Buffer[]): string {
    const known = this.#keys.get(chain)
    if (known !== undefined) return known
    const key = chainHash(chain)
    this.#keys.set(chain, key)
    return key
  }

  #forgetOldest(): void {
    for (const oldest of this.#verdicts.keys()) {
      this.#verdicts.delete(oldest)
      return
    }
  }
}

function chainHash(chain: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const der of chain) hash.update(`${der.length}:`).update(der)
  return hash.digest('base64')
}
