import type { DaneRecord } from '../../../standards/dane/index.ts'
import type { MtaStsPolicy } from '../../../standards/mta-sts/index.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { Failure } from './failure.ts'

/** What the domain of the servers published, as a report to it names it (RFC 8460 §4.4). */
export type Published = {
  readonly type: 'tlsa' | 'sts' | 'no-policy-found'
  readonly lines: readonly string[]
  readonly mx: readonly string[]
}

/** What a connection to one server must be before mail goes over it, and by whose wish. */
export type Wanted = {
  /** Connections that are wanted under the same key may carry each other's mail. */
  readonly key: string
  /** Whose servers these are, where DNS named them; null on a route. */
  readonly domain: Domain | null
  /** PEM certificates of the authorities to believe; null for those of the system. */
  readonly roots: readonly string[] | null
  /** Whether the name of the server is beyond doubt: by DNSSEC, by policy, or because an operator wrote it (RFC 8689 §4.2.1). */
  readonly sureOfName: boolean
  /** Null where no domain is told of the session. */
  readonly published: Published | null
} & (
  | { readonly kind: 'clear' }
  /** Encrypted where the server can, whoever it is (RFC 7435). `amiss`: a policy was published and could not be had. */
  | { readonly kind: 'opportunistic'; readonly amiss: Failure | null }
  /** The route wants a certificate that names the host. */
  | { readonly kind: 'certificate' }
  /** RFC 8461. In testing mode mail goes in any case; `listed`: the policy names this server. */
  | { readonly kind: 'mta-sts'; readonly policy: MtaStsPolicy; readonly listed: boolean }
  /** RFC 7672. `names`: of which the certificate bears one where an authority vouches for it. */
  | { readonly kind: 'dane'; readonly records: readonly DaneRecord[]; readonly names: readonly string[] }
  /** RFC 7672 §2.2: TLSA records that nobody can use ask for encryption alone. */
  | { readonly kind: 'encrypted' }
  /** This server may not be used now. */
  | { readonly kind: 'barred'; readonly policy: 'dane' | 'mta-sts'; readonly failure: Failure }
)
