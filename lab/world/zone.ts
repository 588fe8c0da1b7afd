/** Zone data as the contract's `verify` takes it: an absent name is NXDOMAIN, an absent type is no data unless `otherwise` says so. */
export type Zone = Record<string, ZoneName>

export type ZoneName = {
  TXT?: string[]
  A?: string[]
  AAAA?: string[]
  MX?: { preference: number; exchange: string }[]
  PTR?: string[]
  NS?: string[]
  CNAME?: string
  otherwise?: 'TIMEOUT' | 'SERVFAIL'
}
