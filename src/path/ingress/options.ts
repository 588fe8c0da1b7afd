import type { Network } from '../../standards/names/ip.ts'
import type { IngressBudget } from './budget.ts'

/** One listener: what the configuration says of it, and what it shares with the others. */
export type ListenerOptions = {
  readonly name: string
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Whether other processes listen on the port too, each with a socket of its own (SO_REUSEPORT). */
  readonly shared?: boolean
  /** A listening socket to accept from, instead of host and port. */
  readonly socket?: unknown
  /** What we call ourselves; also the domain of a bare `<postmaster>`. */
  readonly hostname: string
  /** PEM; null offers no STARTTLS. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer } | null
  readonly requireTls: boolean
  /** Whether AUTH is offered, on TLS only. */
  readonly auth: boolean
  /** Proxies that say, by the PROXY protocol, for whom they connect; from them nothing else is taken, and from others it is no command. */
  readonly proxyProtocolFrom: readonly Network[]
  readonly limits: IngressLimits
  /** Shared by all listeners of a process. */
  readonly budget: IngressBudget
  /** Defaults to `defaultPatience`. */
  readonly patience?: Patience
}

export type IngressLimits = {
  readonly maxMessageBytes: number
  readonly maxHeaderBytes: number
  readonly maxHeaderFields: number
  readonly maxRecipients: number
  readonly idleTimeoutSeconds: number
}

/** What a client may do without getting anywhere. */
export type Patience = {
  /** Commands refused for their form or their place, before 421; a message that is accepted pays them off. */
  readonly maxErrors: number
  /** Commands that move nothing (EHLO, NOOP, RSET, VRFY, HELP), before 421; paid off likewise. */
  readonly maxIdleCommands: number
  /** Failed authentications in one session, before it is closed. */
  readonly maxAuthFailures: number
  /** Before the reply to a failed authentication, times the failures so far. */
  readonly authFailureDelayMs: number
  /** Slower than this over the whole of DATA, after one idle timeout of grace, is a timeout. */
  readonly minDataOctetsPerSecond: number
  /** How long DATA waits for others to give back memory before it is refused. */
  readonly budgetWaitMs: number
  /** How long a session that we end may take to hear of it. */
  readonly lingerMs: number
}

export const defaultPatience: Patience = {
  maxErrors: 20,
  maxIdleCommands: 100,
  maxAuthFailures: 3,
  authFailureDelayMs: 1000,
  minDataOctetsPerSecond: 1000,
  budgetWaitMs: 5000,
  lingerMs: 2000,
}
