import type { Dns } from '../../../platform/dns.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseDomain } from '../../../standards/names/domain.ts'
import { type ReplyClass, replyClasses } from '../../../standards/smtp/reply-patterns.ts'
import { formatDuration } from '../../../standards/yaml/duration.ts'
import { type RouteTable, routeTable } from '../routing/route.ts'
import { resolveTargets } from '../routing/targets.ts'
import type { ShapingNotice } from './notice.ts'
import type { DeliverySettings } from '../settings.ts'
import type { Given, Limits, Origin, Profiles, Rate, Step } from './profiles.ts'
import { Shaping } from './shaping.ts'

/** What holds for mail to a domain, and which rule of which file says so. Plain JSON. */
export type Explanation = {
  readonly domain: string
  /** The next hop of a route, as `host:port`; null where DNS says. */
  readonly route: string | null
  readonly mx: readonly string[]
  /** The servers by which the site is known. */
  readonly servers: string
  /** What limits and actions are kept by: the servers, or the profile that takes many sites as one. */
  readonly site: string
  readonly profiles: readonly {
    readonly name: string
    readonly date: string | null
    readonly why: string | null
    readonly source: string | null
  }[]
  readonly limits: readonly (Origin & { readonly limit: string; readonly value: string })[]
  readonly actions: readonly (Origin & { readonly class: ReplyClass; readonly steps: readonly string[] })[]
  readonly inForce: readonly ShapingNotice[]
  /** Why the servers could not be found, or null. */
  readonly trouble: string | null
}

export type ExplainOptions = {
  readonly shaping: Shaping
  readonly routes: RouteTable
  readonly dns: Dns
  readonly port: number
  readonly hostname: string
}

/** Says what is done with mail to a domain now. A name that is none is explained as one that no server takes mail for. */
export async function explainDomain(text: string, options: ExplainOptions): Promise<Explanation> {
  const { shaping, routes, dns, port, hostname } = options
  const domain = parseDomain(text)
  if (isSyntaxFault(domain)) return { ...nothingFor(text), trouble: `${text} ${domain.reason}` }
  const destination = routes.destinationOf(domain)
  const resolution = await resolveTargets(destination, { dns, port, hostname, ownListeners: [], random: () => 0 })
  const found = shaping.siteAt(destination, resolution)
  const { terms } = found
  const limit = <Name extends keyof Limits>(name: Name, write: (value: Limits[Name]) => string) => {
    const { value, from } = terms.limits[name] as Given<Limits[Name]>
    return { limit: name, value: write(value), ...from }
  }
  return {
    domain,
    route: destination.kind === 'host' ? found.servers : null,
    mx: resolution.kind === 'targets' ? [...resolution.exchanges].toSorted() : [],
    servers: found.servers,
    site: found.key,
    profiles: terms.profiles.map(({ name, date, why, source }) => ({ name, date, why, source })),
    limits: [
      limit('connections', String),
      limit('messagesPerConnection', String),
      limit('rate', rateInWords),
      limit('idle', formatDuration),
    ],
    actions: replyClasses.map((one) => {
      const { value, from } = terms.actions[one]
      return { class: one, steps: value.map(stepInWords), ...from }
    }),
    inForce: shaping.book.list().filter((one) => one.site === found.key),
    trouble: resolution.kind === 'targets' ? null : resolution.text,
  }
}

function nothingFor(domain: string): Explanation {
  return {
    domain,
    route: null,
    mx: [],
    servers: '',
    site: '',
    profiles: [],
    limits: [],
    actions: [],
    inForce: [],
    trouble: null,
  }
}

function rateInWords(rate: Rate | null): string {
  return rate === null ? 'none' : `${rate.messages} in ${formatDuration(rate.per)}`
}

function stepInWords(step: Step): string {
  switch (step.do) {
    case 'retry':
      return `again after ${formatDuration(step.after)}, ${step.times} times`
    case 'slow':
      return `slowed to ${percent(step.factor)} for ${formatDuration(step.for)} after ${step.replies} in ${formatDuration(step.within)}`
    case 'suspend':
      return `${step.what} suspended for ${formatDuration(step.for)} after ${step.replies} in ${formatDuration(step.within)}`
    case 'bounce':
      return step.temporary ? 'returned, even if it was for now' : 'returned'
    default:
      return step satisfies never
  }
}

function percent(part: number): string {
  return `${Math.round(part * 100)}%`
}

/** The same where no relay runs, from what one would begin with. */
export function explainAtRest(
  domain: string,
  rest: {
    readonly profiles: Profiles
    readonly notices: readonly ShapingNotice[]
    readonly settings: Pick<DeliverySettings, 'routes' | 'port'>
    readonly dns: Dns
    readonly hostname: string
    readonly now: () => number
  },
): Promise<Explanation> {
  const { profiles, notices, settings, dns, hostname, now } = rest
  const shaping = new Shaping({ profiles, now })
  for (const notice of notices) shaping.apply(notice)
  return explainDomain(domain, { shaping, routes: routeTable(settings), dns, port: settings.port, hostname })
}
