import { hash } from 'node:crypto'
import { type EgressAddress, type EgressPool, defaultPool } from './pools.ts'
import type { WarmUpBook } from './warm-up.ts'

export type EgressQuestion = {
  /** The pool that the policy names; null where it names none. */
  readonly pool: string | null
  readonly message: string
  readonly site: string
  /** The family of the server's address. */
  readonly family: 4 | 6
  /** Addresses of ours that must not be used at this site now. */
  readonly excluded: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type EgressChoice =
  /** `egress` null: the system chooses the address, and the name is the relay's own. */
  | { readonly kind: 'from'; readonly egress: EgressAddress | null }
  /** No address of the pool is of the server's family: another server may do. */
  | { readonly kind: 'other-family'; readonly because: string }
  /** None may be used now. `until` is when that may change, in milliseconds since the epoch; null when nobody can say. */
  | { readonly kind: 'wait'; readonly until: number | null; readonly because: string }

/**
 * Chooses the address that a message leaves from for a site: by weight over all messages, and the same again for the same message, so
 * that a retry of what was greylisted is recognised. An address that is excluded or whose day is full gives its messages to the others,
 * and those of the others stay where they are. The caller counts in `warmth` what it then sends.
 */
export function chooseEgress(
  pools: ReadonlyMap<string, EgressPool>,
  question: EgressQuestion,
  warmth: WarmUpBook,
): EgressChoice {
  const { message, site, family, excluded, now } = question
  const name = question.pool ?? defaultPool
  const pool = pools.get(name)
  if (pool === undefined && name === defaultPool) return { kind: 'from', egress: null }
  if (pool === undefined) return { kind: 'wait', until: null, because: `the pool ${name} is not in the configuration` }
  const suitable = pool.addresses.filter(({ address }) => familyOf(address) === family)
  if (suitable.length === 0) return { kind: 'other-family', because: `the pool ${name} has no IPv${family} address` }
  const free = suitable.filter(({ address }) => !excluded.has(address))
  if (free.length === 0) {
    return { kind: 'wait', until: null, because: `no address of the pool ${name} may be used there now` }
  }
  const chosen = inOrder(free, message, site).find((one) => warmth.admits(one, site, message, now))
  if (chosen !== undefined) return { kind: 'from', egress: chosen }
  const until = Math.min(...free.map((one) => warmth.nextDay(one, now)))
  return {
    kind: 'wait',
    until,
    because: `every address of the pool ${name} has sent what its warm-up plan allows there today`,
  }
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** Rendezvous hashing by weight: each address draws a lot of its own, which no other address changes. */
function inOrder(addresses: readonly EgressAddress[], message: string, site: string): readonly EgressAddress[] {
  if (addresses.length === 1) return addresses
  return addresses
    .map((one) => ({ one, lot: -Math.log(uniform(`${one.address} ${message} ${site}`)) / one.weight }))
    .toSorted((a, b) => a.lot - b.lot)
    .map(({ one }) => one)
}

/** From above 0 to below 1, and for the same text always the same. */
function uniform(text: string): number {
  return (hash('sha256', text, 'buffer').readUIntBE(0, 6) + 0.5) / 2 ** 48
}
