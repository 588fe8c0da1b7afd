import { hash } from 'node:crypto'
import type { EgressAddress } from './pools.ts'

/** A count as custody keeps it. */
type Charge = {
  readonly key: string
  readonly window: number
  readonly messages: number
  readonly recipients: number
}

const dayMs = 86_400_000
/** Messages remembered as counted already, so that their retries are not counted again; the oldest are forgotten first. */
const mostRemembered = 20_000
const prefix = 'warm-up/'

/** A part of a number for one process of several. */
export type Allowance = (key: string, limit: number) => number

/**
 * How much each address that is still warming up has sent to each site on this day of UTC. Only those addresses are counted: an entry
 * lives for a day.
 */
export class WarmUpBook {
  readonly #allowance: Allowance
  readonly #sent = new Map<string, number>()
  readonly #counted = new Set<string>()
  readonly #unsaved = new Map<string, number>()
  #day = 0

  /** @param allowance how much of a bound is this process's own; all of it where there is no other. */
  constructor(allowance: Allowance = (_key, limit) => limit) {
    this.#allowance = allowance
  }

  /** Whether a message may leave from the address for the site now. A retry of one that was counted always may. */
  admits(from: EgressAddress, site: string, message: string, now: number): boolean {
    const bound = boundOf(from, now)
    if (bound === null) return true
    this.#turn(now)
    const key = keyOf(from.address, site)
    if (this.#counted.has(`${key} ${message}`)) return true
    return (this.#sent.get(key) ?? 0) < this.#allowance(key, bound)
  }

  /** Counts a message that is about to leave from the address for the site. */
  count(from: EgressAddress, site: string, message: string, now: number): void {
    if (boundOf(from, now) === null) return
    this.#turn(now)
    const key = keyOf(from.address, site)
    const name = `${key} ${message}`
    if (this.#counted.has(name)) return
    this.#counted.add(name)
    const [oldest] = this.#counted
    if (this.#counted.size > mostRemembered && oldest !== undefined) this.#counted.delete(oldest)
    this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1)
    this.#unsaved.set(key, (this.#unsaved.get(key) ?? 0) + 1)
  }

  /** When the next day of the plan begins, in milliseconds since the epoch. */
  nextDay({ warmUp }: EgressAddress, now: number): number {
    const next = dayOf(now) + dayMs
    return warmUp === null ? next : Math.max(next, warmUp.from)
  }

  /** What was counted since the last call, to be kept on disk. */
  drain(): readonly Charge[] {
    const charges = [...this.#unsaved].map(([key, messages]) => ({
      key,
      window: this.#day,
      messages,
      recipients: 0,
    }))
    this.#unsaved.clear()
    return charges
  }

  /** Takes up what was kept of this day. Which messages they were is not known any more. */
  load(charges: readonly Charge[], now: number): void {
    this.#turn(now)
    for (const { key, window, messages } of charges) {
      if (!key.startsWith(prefix) || dayOf(window) !== this.#day) continue
      this.#sent.set(key, (this.#sent.get(key) ?? 0) + messages)
    }
  }

  static owns({ key }: Pick<Charge, 'key'>): boolean {
    return key.startsWith(prefix)
  }

  #turn(now: number): void {
    const day = dayOf(now)
    if (day === this.#day) return
    this.#day = day
    this.#sent.clear()
    this.#counted.clear()
    this.#unsaved.clear()
  }
}

/** How many messages the plan allows to one site on this day; null when it is over, or there is none. */
export function boundOf({ warmUp }: Pick<EgressAddress, 'warmUp'>, now: number): number | null {
  if (warmUp === null) return null
  if (now < warmUp.from) return 0
  return warmUp.plan[Math.floor((now - warmUp.from) / dayMs)] ?? null
}

function dayOf(moment: number): number {
  return Math.floor(moment / dayMs) * dayMs
}

/** Sites have long names, and keys stand on disk. */
function keyOf(address: string, site: string): string {
  return `${prefix}${address}/${hash('sha256', site, 'hex').slice(0, 16)}`
}
