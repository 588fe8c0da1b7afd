import { type Dns, type DnsTrouble, type MxRecord, isDnsTrouble } from '../../../platform/dns.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import type { Destination } from './route.ts'

/** One address to try. `name` is the host that it belongs to: what a certificate must name, and what reports call it. */
export type Target = { readonly name: string; readonly address: string; readonly port: number }

/** Where a destination's mail can be handed over, in the order in which to try; or why nowhere, for now or for good. */
export type Resolution =
  | {
      readonly kind: 'targets'
      readonly targets: readonly Target[]
      /** All names that MX records gave; none where a domain is its own mail server, or where a route leads. */
      readonly exchanges: readonly string[]
    }
  | { readonly kind: 'undeliverable'; readonly status: string; readonly text: string }
  | { readonly kind: 'unresolved'; readonly status: string; readonly text: string }

export type ResolveOptions = {
  readonly dns: Dns
  readonly port: number
  /** Our own name: a server of that name is ourselves. */
  readonly hostname: string
  readonly ownListeners: readonly { readonly address: string; readonly port: number }[]
  /** From 0 up to but not including 1. */
  readonly random: () => number
}

/** A domain with more servers than this is tried at its best ones only. */
const maxExchanges = 10

type Exchange = { readonly preference: number; readonly name: string; readonly found: readonly string[] | DnsTrouble }

/** Finds the addresses of a destination (RFC 5321 §5.1, RFC 7505). Trouble with DNS is never taken for absence. */
export async function resolveTargets(destination: Destination, options: ResolveOptions): Promise<Resolution> {
  return destination.kind === 'host'
    ? resolveHost(destination.host, destination.port, options)
    : resolveMx(destination.domain, options)
}

async function resolveHost(host: string, port: number, options: ResolveOptions): Promise<Resolution> {
  const found = await addressesOf(host, options.dns)
  if (isDnsTrouble(found)) return unresolved(`looking up ${host} failed: ${found.trouble}`)
  // What an operator configured may be put right at any moment, so nothing here is the end of the mail.
  if (found.length === 0)
    return { kind: 'unresolved', status: '4.4.4', text: `the route's host ${host} has no address` }
  const targets = found.map((address) => ({ name: host, address, port }))
  if (targets.some((target) => isOurselves(target, options))) {
    return { kind: 'unresolved', status: '4.4.6', text: `the route to ${host} leads back to this relay` }
  }
  return { kind: 'targets', targets, exchanges: [] }
}

async function resolveMx(domain: Domain, options: ResolveOptions): Promise<Resolution> {
  const records = await options.dns.mx(domain)
  if (isDnsTrouble(records)) return unresolved(`looking up the mail servers of ${domain} failed: ${records.trouble}`)
  if (records.length === 1 && isRoot(records[0])) {
    return { kind: 'undeliverable', status: '5.1.10', text: `${domain} takes no mail (null MX)` }
  }
  const named = records.filter((one) => !isRoot(one))
  // RFC 5321 §5.1: without any MX record the domain itself is its mail server.
  const implicit = named.length === 0
  const wanted = implicit
    ? [{ preference: 0, exchange: domain }]
    : inOrder(named, options.random).slice(0, maxExchanges)
  const exchanges = await Promise.all(
    wanted.map(async ({ preference, exchange }) => ({
      preference,
      name: exchange,
      found: await addressesOf(exchange, options.dns),
    })),
  )
  const chosen = chooseTargets(domain, implicit, exchanges, options)
  return chosen.kind === 'targets' ? { ...chosen, exchanges: named.map((one) => one.exchange) } : chosen
}

function chooseTargets(
  domain: Domain,
  implicit: boolean,
  exchanges: readonly Exchange[],
  options: ResolveOptions,
): Resolution {
  const targetsOf = (exchange: Exchange): readonly Target[] =>
    isDnsTrouble(exchange.found)
      ? []
      : exchange.found.map((address) => ({ name: exchange.name, address, port: options.port }))
  const ours = exchanges.filter(
    (exchange) =>
      isOwnName(exchange.name, options) || targetsOf(exchange).some((target) => isOurselves(target, options)),
  )
  // RFC 5321 §5.1: if we are among the servers, only those that are preferred to us come into question.
  const limit = Math.min(...ours.map((one) => one.preference), Number.POSITIVE_INFINITY)
  const eligible = exchanges.filter((one) => one.preference < limit)
  const targets = eligible.flatMap(targetsOf)
  if (targets.length > 0) return { kind: 'targets', targets, exchanges: [] }
  const trouble = eligible.find((one) => isDnsTrouble(one.found))
  if (trouble !== undefined) return unresolved(`looking up ${trouble.name}, a mail server of ${domain}, failed`)
  if (ours.length > 0) {
    return { kind: 'undeliverable', status: '5.4.6', text: `the mail servers of ${domain} lead back to this relay` }
  }
  return implicit
    ? { kind: 'undeliverable', status: '5.1.2', text: `${domain} has no mail server and no address` }
    : { kind: 'undeliverable', status: '5.4.4', text: `the mail servers of ${domain} have no address` }
}

/** By preference, and at random among equals, so that load spreads (RFC 5321 §5.1). */
function inOrder(records: readonly MxRecord[], random: () => number): readonly MxRecord[] {
  return records
    .map((record) => ({ record, lot: random() }))
    .toSorted((a, b) => a.record.preference - b.record.preference || a.lot - b.lot)
    .map((one) => one.record)
}

/** Either family alone is enough to deliver, so trouble counts only when it leaves nothing. */
async function addressesOf(host: string, dns: Dns): Promise<readonly string[] | DnsTrouble> {
  const literal = parseIp(host)
  if (!isSyntaxFault(literal)) return [literal]
  // RFC 6761 §6.3: never asked of DNS.
  if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1']
  const [four, six] = await Promise.all([dns.addresses(host, 4), dns.addresses(host, 6)])
  const found = [...(isDnsTrouble(four) ? [] : four), ...(isDnsTrouble(six) ? [] : six)]
  if (found.length > 0) return [...new Set(found)]
  if (isDnsTrouble(four)) return four
  return isDnsTrouble(six) ? six : []
}

function isRoot(record: MxRecord | undefined): boolean {
  return record?.exchange === '' || record?.exchange === '.'
}

function isOwnName(name: string, options: ResolveOptions): boolean {
  return name.toLowerCase() === options.hostname.toLowerCase()
}

function isOurselves(target: Target, options: ResolveOptions): boolean {
  return options.ownListeners.some((own) => own.address === target.address && own.port === target.port)
}

function unresolved(text: string): Resolution {
  return { kind: 'unresolved', status: '4.4.3', text }
}
