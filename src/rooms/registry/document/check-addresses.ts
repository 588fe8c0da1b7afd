import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Network, formatNetwork, parseNetwork } from '../../../standards/names/ip.ts'
import type { Problem } from '../../../standards/yaml/problem.ts'
import type { YamlPath, SourceText } from '../../../standards/yaml/source.ts'
import type { NamedRange } from './context.ts'
import type { CustomerDraft } from './draft.ts'
import { parseInstant } from './instant.ts'
import { BlockIndex } from './block-index.ts'

/** A block that a source names, while it does. `until` is exclusive; both are milliseconds since the epoch. */
type Claim = {
  readonly path: YamlPath
  readonly network: Network
  readonly customer: string
  readonly source: string
  readonly from: number
  readonly until: number
}

/** No block of a source may touch a shared range, whichever is the wider, and no address may be two sources' at one time. */
export function checkAddresses(
  source: SourceText,
  drafts: readonly CustomerDraft[],
  ranges: readonly NamedRange[],
): readonly Problem[] {
  const claims = drafts.flatMap(networkClaims)
  const hosts = drafts.flatMap(hybridHosts)
  return [...sharedProblems(source, [...claims, ...hosts], ranges), ...doubleProblems(source, claims)]
}

function sharedProblems(
  source: SourceText,
  claims: readonly Claim[],
  ranges: readonly NamedRange[],
): readonly Problem[] {
  const index = new BlockIndex(
    ranges.flatMap((range, order) =>
      range.networks.map((network) => ({ network, value: { name: range.name, order } })),
    ),
  )
  return claims.flatMap((claim) => {
    const shared = index.overlapping(claim.network).toSorted((a, b) => a.value.order - b.value.order)[0]
    if (shared === undefined) return []
    const words = `${formatNetwork(claim.network)} overlaps ${formatNetwork(shared.network)} of ${shared.value.name}`
    return [source.problem(claim.path, `${words}: many parties send from there`)]
  })
}

function doubleProblems(source: SourceText, claims: readonly Claim[]): readonly Problem[] {
  const index = new BlockIndex(claims.map((claim) => ({ network: claim.network, value: claim })))
  return claims.flatMap((claim) => {
    const other = index
      .containing(claim.network)
      .map((entry) => entry.value)
      .find((one) => isOther(one, claim) && one.from < claim.until && claim.from < one.until && precedes(one, claim))
    if (other === undefined) return []
    const holder = `${formatNetwork(other.network)} of source ${other.source} of customer ${other.customer}`
    return [source.problem(claim.path, `${formatNetwork(claim.network)} is shared with ${holder} at the same time`)]
  })
}

function isOther(one: Claim, claim: Claim): boolean {
  return one.customer !== claim.customer || one.source !== claim.source
}

/** Of two claims on the very same block only the later is told. */
function precedes(one: Claim, claim: Claim): boolean {
  if (one.network.prefix !== claim.network.prefix) return true
  const [a, b] = [one.path.map(Number), claim.path.map(Number)]
  const at = a.findIndex((part, position) => !Number.isNaN(part) && part !== b[position])
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0)
}

function networkClaims(draft: CustomerDraft): readonly Claim[] {
  return draft.sources.flatMap(({ path, value }) => {
    if (value.kind !== 'network') return []
    const holder = { customer: draft.id, source: value.id }
    const forever = { from: -Infinity, until: Infinity }
    return [
      ...value.networks.map((text, at) => ({
        path: [...path, 'networks', at],
        network: written(text),
        ...holder,
        ...forever,
      })),
      ...value.leases.map((lease, at) => ({
        path: [...path, 'leases', at],
        network: written(lease.address),
        ...holder,
        from: instant(lease.from),
        until: instant(lease.until),
      })),
    ]
  })
}

function hybridHosts(draft: CustomerDraft): readonly Claim[] {
  return draft.sources.flatMap(({ path, value }) =>
    value.kind === 'm365'
      ? value.hybridHosts.map((text, at) => ({
          path: [...path, 'hybridHosts', at],
          network: written(text),
          customer: draft.id,
          source: value.id,
          from: -Infinity,
          until: Infinity,
        }))
      : [],
  )
}

/** The schema has read these texts already. */
function written(text: string): Network {
  const network = parseNetwork(text)
  if (isSyntaxFault(network)) throw new Error(network.reason)
  return network
}

function instant(text: string): number {
  const moment = parseInstant(text)
  if (isSyntaxFault(moment)) throw new Error(moment.reason)
  return moment
}
