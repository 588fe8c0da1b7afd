import type { EgressPool } from './egress/pools.ts'

/**
 * How a connection is protected. `off`: never. `opportunistic`: encrypted when the server offers it, whoever it is, and in clear
 * when that fails (RFC 7435). `required`: encrypted to a server whose certificate names the host, or not at all.
 */
export type TlsPolicy = 'off' | 'opportunistic' | 'required'

/** `domain` is a name, `*.name` for all names below it, or `*`. The most exact entry answers, wherever it stands. */
export type Route = {
  readonly domain: string
  readonly host: string
  readonly port: number
  readonly tls: TlsPolicy
  /** PEM certificates to trust there instead of those of all other servers. */
  readonly roots?: readonly string[]
}

/** The retry clock of a destination's answers; milliseconds. */
export type RetrySettings = {
  readonly first: number
  readonly factor: number
  readonly max: number
  readonly giveUpAfter: number
}

/** How long we wait for a server at each step; milliseconds. */
export type Timeouts = {
  readonly connect: number
  readonly greeting: number
  readonly hello: number
  readonly tls: number
  readonly mail: number
  readonly rcpt: number
  readonly data: number
  readonly block: number
  readonly end: number
  readonly quit: number
}

export type DeliverySettings = {
  readonly routes: readonly Route[]
  /** The port of servers found by MX. */
  readonly port: number
  /** The addresses of the default pool, where it is not among `pools`; empty leaves it to the system. */
  readonly sourceAddresses: readonly string[]
  readonly pools: readonly EgressPool[]
  readonly retry: RetrySettings
  readonly timeouts: Timeouts
  /** Addresses and ports on which this relay itself listens: a route to them is a loop. */
  readonly ownListeners: readonly { readonly address: string; readonly port: number }[]
  /** PEM certificates to trust in servers instead of those of the system. */
  readonly tlsRoots: readonly string[] | null
  readonly connectionsPerDestination: number
  readonly connections: number
  /** Messages in our hands at one time. */
  readonly messages: number
  /** Octets of bodies kept in memory between acceptance and delivery; more than that is read back from custody. */
  readonly memoryForBodies: number
  readonly idleConnection: number
  readonly messagesPerConnection: number
  readonly recipientsPerTransaction: number
  /** After how many milliseconds a sender hears that the mail is late. */
  readonly delayNotice: number
  /** How many milliseconds mail is kept whose grant was withdrawn. */
  readonly holdFor: number
}

/** RFC 5321 §4.5.3.2; `connect`, `tls` and `quit` are ours. */
const standardTimeouts: Timeouts = {
  connect: 30_000,
  greeting: 300_000,
  hello: 300_000,
  tls: 60_000,
  mail: 300_000,
  rcpt: 300_000,
  data: 120_000,
  block: 180_000,
  end: 600_000,
  quit: 5_000,
}

export const defaultDelivery: DeliverySettings = {
  routes: [],
  port: 25,
  sourceAddresses: [],
  pools: [],
  retry: { first: 60_000, factor: 2, max: 4 * 3_600_000, giveUpAfter: 5 * 86_400_000 },
  timeouts: standardTimeouts,
  ownListeners: [],
  tlsRoots: null,
  connectionsPerDestination: 20,
  connections: 500,
  messages: 2000,
  memoryForBodies: 134_217_728,
  idleConnection: 10_000,
  messagesPerConnection: 1000,
  recipientsPerTransaction: 100,
  delayNotice: 4 * 3_600_000,
  holdFor: 14 * 86_400_000,
}
