import type { IpAddress } from '../names/ip.ts'

/** What stands before a connection that a proxy passes on. */
export type ProxyHeader = {
  /** Octets of the header; what follows is the client's own. */
  readonly length: number
  /** Where the client is; null when the proxy speaks for itself (a health check) or can't say. */
  readonly client: { readonly address: IpAddress; readonly port: number } | null
}
