import type { Clock } from '../../platform/clock.ts'
import type { IpAddress } from '../../standards/names/ip.ts'

export type BudgetLimits = {
  readonly maxConnections: number
  readonly maxConnectionsPerClient: number
  /** Octets of messages in memory, from the first of DATA to the reply. */
  readonly bytesInFlight: number
}

/** What the listeners of one process share. */
export class IngressBudget {
  readonly connections: ConnectionCounts
  readonly bytes: BytesInFlight
  readonly authFailures: AuthFailures

  constructor(limits: BudgetLimits, clock: Clock) {
    this.connections = new ConnectionCounts(limits)
    this.bytes = new BytesInFlight(limits)
    this.authFailures = new AuthFailures(clock)
  }

  /** Applies new limits to what comes next; nothing that was let in is turned out. */
  update(limits: BudgetLimits): void {
    this.connections.limits = limits
    this.bytes.limits = limits
  }
}

export class ConnectionCounts {
  limits: Pick<BudgetLimits, 'maxConnections' | 'maxConnectionsPerClient'>
  readonly #perClient = new Map<string, number>()
  #total = 0

  constructor(limits: Pick<BudgetLimits, 'maxConnections' | 'maxConnectionsPerClient'>) {
    this.limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** Counts a connection in, unless it is one too many; null when its client is not known yet, and `identify` follows. */
  tryEnter(client: IpAddress | null): boolean {
    if (this.#total >= this.limits.maxConnections || (client !== null && !this.identify(client))) return false
    this.#total++
    return true
  }

  /** Counts a connection that is in already for its client, unless that has too many. */
  identify(client: IpAddress): boolean {
    const key = clientKey(client)
    const count = this.#perClient.get(key) ?? 0
    if (count >= this.limits.maxConnectionsPerClient) return false
    this.#perClient.set(key, count + 1)
    return true
  }

  /** With the client that it was counted for, or null. */
  leave(client: IpAddress | null): void {
    this.#total--
    if (client === null) return
    const key = clientKey(client)
    const count = this.#perClient.get(key) ?? 0
    if (count <= 1) this.#perClient.delete(key)
    else this.#perClient.set(key, count - 1)
  }
}

export class BytesInFlight {
  limits: Pick<BudgetLimits, 'bytesInFlight'>
  #used = 0
  #waiting = new Set<() => void>()

  constructor(limits: Pick<BudgetLimits, 'bytesInFlight'>) {
    this.limits = limits
  }

  get used(): number {
    return this.#used
  }

  hasRoomFor(octets: number): boolean {
    return this.#used + octets <= this.limits.bytesInFlight
  }

  take(octets: number): void {
    this.#used += octets
  }

  giveBack(octets: number): void {
    this.#used -= octets
    if (octets === 0 || this.#waiting.size === 0 || !this.hasRoomFor(0)) return
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Waits until the budget is no longer exceeded; false when that took too long. */
  async whenRoom(timeoutMs: number): Promise<boolean> {
    if (this.hasRoomFor(0)) return true
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, timeoutMs)
      this.#waiting.add(wake)
    })
    return this.hasRoomFor(0)
  }
}

const failureWindowMs = 600_000
const maxFailuresInWindow = 30
const maxClients = 10_000

/**
 * Failed authentications by client, over all its sessions: guessing in parallel must not be cheaper than guessing in turn.
 * Bounded; the client heard of longest ago is forgotten first.
 */
export class AuthFailures {
  readonly #clock: Clock
  readonly #byClient = new Map<string, { count: number; since: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isBarred(client: IpAddress): boolean {
    const record = this.#byClient.get(clientKey(client))
    if (record === undefined) return false
    if (this.#clock.now() - record.since <= failureWindowMs) return record.count >= maxFailuresInWindow
    this.#byClient.delete(clientKey(client))
    return false
  }

  record(client: IpAddress): void {
    const key = clientKey(client)
    const now = this.#clock.now()
    const before = this.#byClient.get(key)
    this.#byClient.delete(key)
    const isFresh = before !== undefined && now - before.since <= failureWindowMs
    this.#byClient.set(key, isFresh ? { count: before.count + 1, since: before.since } : { count: 1, since: now })
    if (this.#byClient.size <= maxClients) return
    const oldest = this.#byClient.keys().next().value
    if (oldest !== undefined) this.#byClient.delete(oldest)
  }
}

/** One IPv4 address, or one /64 of IPv6, which is the least that a single client has. */
function clientKey(address: IpAddress): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length
  return [...front, ...Array.from({ length: zeros }, () => '0'), ...back].slice(0, 4).join(':')
}
