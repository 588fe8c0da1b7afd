import type { Domain } from '../../../standards/names/domain.ts'
import type { Destination } from '../routing/route.ts'
import type { Target } from '../routing/targets.ts'
import type { Verdict } from './judge.ts'
import type { Wanted } from './wanted.ts'

/** What a message itself says of the protection that it wants (RFC 8689). */
export type MailWish = {
  /** REQUIRETLS: no server that does not promise and prove it. */
  readonly requireTls?: boolean
  /** `TLS-Required: No`: what the domain of the recipient wishes does not count. Asked only where it wishes something. */
  readonly tlsOptional?: () => boolean
}

/** A session that was tried at a server of a domain, and how its protection came out. */
export type SessionResult = {
  readonly wanted: Wanted
  readonly domain: Domain
  readonly target: Target
  readonly verdict: Verdict
  /** Ours and theirs, or empty where no connection was made. */
  readonly addresses: { readonly ours: string; readonly theirs: string }
}

/** Which protection mail wants at the servers that DNS names, and where its results are kept. */
export interface Protections {
  /** Never rejects: what cannot be found out is part of the answer. */
  wantedAt(domain: Domain, target: Target): Promise<Wanted>
  note(result: SessionResult): void
}

const noWish = { domain: null, sureOfName: true, published: null } as const

/**
 * What mail with this wish wants at a server of a destination. A route says so itself, and nothing is looked up for it; `roots` are
 * the authorities to believe where it names none.
 */
export async function wantedAt(
  protections: Protections | null,
  destination: Destination,
  target: Target,
  wish: MailWish,
  roots: readonly string[] | null,
): Promise<Wanted> {
  if (destination.kind === 'host') return onRoute(destination, roots)
  const { domain } = destination
  if (protections === null) return opportunistic(domain, roots, false)
  const wanted = await protections.wantedAt(domain, target)
  const isWish = wanted.kind !== 'opportunistic' && wanted.kind !== 'clear'
  if (!isWish || wish.requireTls === true || wish.tlsOptional?.() !== true) return wanted
  return { ...opportunistic(domain, wanted.roots, wanted.sureOfName), key: 'optional' }
}

function onRoute(destination: Extract<Destination, { kind: 'host' }>, roots: readonly string[] | null): Wanted {
  const { tls } = destination
  const believed = destination.roots ?? roots
  switch (tls) {
    case 'off':
      return { ...noWish, key: 'off', kind: 'clear', roots: believed }
    case 'opportunistic':
      return { ...noWish, key: 'opportunistic', kind: 'opportunistic', amiss: null, roots: believed }
    case 'required':
      return { ...noWish, key: `required/${destination.key}`, kind: 'certificate', roots: believed }
    default:
      return tls satisfies never
  }
}

function opportunistic(domain: Domain, roots: readonly string[] | null, sureOfName: boolean): Wanted {
  return { key: 'opportunistic', domain, roots, sureOfName, published: null, kind: 'opportunistic', amiss: null }
}
