/** Zone data as the contract's `verify` takes it: an absent name is NXDOMAIN, an absent type is no data unless `otherwise` says so. */
export type Zone = Record<string, ZoneName>

export type ZoneName = {
  TXT?: string[]
  A?: string[]
  AAAA?: string[]
  MX?: { preference: number; exchange: string }[]
  PTR?: string[]
  NS?: string[]
  /** As in a zone file: `3 1 1 d2abde24...`. */
  TLSA?: string[]
  CNAME?: string
  /** Whether answers about the name bear the AD bit, as those of a validating resolver do. */
  authentic?: boolean
  otherwise?: 'TIMEOUT' | 'SERVFAIL'
}
