import type { Target } from './targets.ts'

type Family = 4 | 6
type Known = { four: boolean | null; six: boolean | null; until: number }

/** How long a connection of one family may take to open while the other family has not been tried, in milliseconds. */
const headStart = 2000
/** How long it is remembered which family leads to a host, in milliseconds. */
const rememberedFor = 600_000
/** More hosts than this are not remembered; the oldest is forgotten. */
const maxRemembered = 10_000

/** A target and how long opening a connection to it may take, in milliseconds; null: as long as any. */
export type Turn = { readonly target: Target; readonly connectWithin: number | null }

/**
 * In which order the addresses of a host are tried: IPv6 and IPv4 by turns, the family first that led there of late (after RFC 8305,
 * but one after the other, since a mail connection that lost a race would still be one that the server counts). A family that leads
 * nowhere costs a short wait at first, and none for a while after that.
 */
export class FamilyMemory {
  readonly #now: () => number
  readonly #known = new Map<string, Known>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** The hosts stay in their order. */
  inTurns(targets: readonly Target[]): readonly Turn[] {
    const hosts = new Map<string, Target[]>()
    for (const target of targets) hosts.set(hostOf(target), [...(hosts.get(hostOf(target)) ?? []), target])
    return [...hosts].flatMap(([host, addresses]) => this.#turnsAt(host, addresses))
  }

  opened(target: Target): void {
    this.#note(target, true)
  }

  failed(target: Target): void {
    this.#note(target, false)
  }

  #turnsAt(host: string, addresses: readonly Target[]): readonly Turn[] {
    const known = this.#recall(host)
    const first: Family = known?.six === false && known.four !== false ? 4 : 6
    const [before, after] = [first, first === 6 ? 4 : 6].map((family) =>
      addresses.filter((one) => familyOf(one) === family),
    )
    const order = byTurns(before ?? [], after ?? [])
    // Where neither led there, both get all the time there is.
    const hurried = !(known?.six === false && known.four === false)
    return order.map((target, at) => {
      const other = order.slice(at + 1).some((later) => familyOf(later) !== familyOf(target))
      return { target, connectWithin: hurried && other ? headStart : null }
    })
  }

  #recall(host: string): Known | null {
    const known = this.#known.get(host)
    return known === undefined || known.until <= this.#now() ? null : known
  }

  #note(target: Target, led: boolean): void {
    const host = hostOf(target)
    const known = this.#recall(host) ?? { four: null, six: null, until: 0 }
    const until = this.#now() + rememberedFor
    this.#known.delete(host)
    this.#known.set(host, { ...known, [familyOf(target) === 4 ? 'four' : 'six']: led, until })
    const [oldest] = this.#known.keys()
    if (this.#known.size > maxRemembered && oldest !== undefined) this.#known.delete(oldest)
  }
}

function byTurns(first: readonly Target[], second: readonly Target[]): readonly Target[] {
  const order: Target[] = []
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    for (const one of [first[at], second[at]]) if (one !== undefined) order.push(one)
  }
  return order
}

function familyOf(target: Target): Family {
  return target.address.includes(':') ? 6 : 4
}

function hostOf(target: Target): string {
  return `${target.name.toLowerCase()}:${target.port}`
}
