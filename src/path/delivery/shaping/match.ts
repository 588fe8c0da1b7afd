import type { Domain } from '../../../standards/names/domain.ts'
import { replyClasses } from '../../../standards/smtp/reply-patterns.ts'
import type { Given, Profile, Profiles, Saying, Step, Terms } from './profiles.ts'

/** Profiles made ready to be found by host and domain, in as many steps as a name has labels. */
export class ProfileTable {
  readonly #fallback: Profile
  readonly #byHost = new Map<string, Profile[]>()
  readonly #byDomain = new Map<string, Profile[]>()
  readonly #terms = new Map<string, Terms>()

  constructor({ fallback, others }: Profiles) {
    this.#fallback = fallback
    for (const profile of others) {
      for (const host of profile.mx) add(this.#byHost, host, profile)
      for (const domain of profile.domains) add(this.#byDomain, domain, profile)
    }
  }

  /**
   * What holds where these hosts take mail for this domain. Profiles of the operator's file alone come first, then those built in; of
   * either those that the hosts name before those that the domain names, and the longer name before the shorter. A profile is for
   * hosts only if all of them are under names of it: a host that a stranger put beside those of a large receiver makes it none of them.
   */
  termsFor(hosts: readonly string[], domain: Domain | null): Terms {
    const byHost = this.#forHosts(hosts)
    const byDomain = domain === null ? [] : (this.#byDomain.get(domain) ?? [])
    const found = [...new Set([...byHost, ...byDomain])]
    const chain = [...found.filter((one) => one.own), ...found.filter((one) => !one.own), this.#fallback]
    const oneSite = byHost.find((one) => one.oneSite)?.name ?? null
    const key = `${oneSite ?? ''} ${chain.map((one) => one.name).join(' ')}`
    const known = this.#terms.get(key)
    if (known !== undefined) return known
    const terms = termsOf(chain, oneSite)
    this.#terms.set(key, terms)
    return terms
  }

  #forHosts(hosts: readonly string[]): readonly Profile[] {
    const [first, ...rest] = hosts.map((host) => this.#under(host))
    return first?.filter((profile) => rest.every((others) => others.includes(profile))) ?? []
  }

  #under(host: string): readonly Profile[] {
    const found: Profile[] = []
    let name = host.toLowerCase().replace(/\.$/, '')
    for (;;) {
      found.push(...(this.#byHost.get(name) ?? []))
      const dot = name.indexOf('.')
      if (dot === -1) return found
      name = name.slice(dot + 1)
    }
  }
}

function add(table: Map<string, Profile[]>, name: string, profile: Profile): void {
  table.set(name, [...(table.get(name) ?? []), profile])
}

function termsOf(chain: readonly Profile[], oneSite: string | null): Terms {
  const limit = <Name extends keyof Terms['limits']>(name: Name): Terms['limits'][Name] =>
    first(chain, (profile) => profile.limits[name] as Terms['limits'][Name] | undefined, name)
  const actions = replyClasses.map((one) => [one, first(chain, (profile) => profile.actions[one], one)] as const)
  return {
    profiles: chain,
    limits: {
      connections: limit('connections'),
      messagesPerConnection: limit('messagesPerConnection'),
      rate: limit('rate'),
      idle: limit('idle'),
    },
    replies: chain.flatMap((profile): readonly Saying[] => profile.replies?.value ?? []),
    actions: Object.fromEntries(actions) as { [Class in (typeof actions)[number][0]]: Given<readonly Step[]> },
    oneSite,
  }
}

function first<T>(chain: readonly Profile[], pick: (profile: Profile) => T | undefined, what: string): T {
  for (const profile of chain) {
    const found = pick(profile)
    if (found !== undefined) return found
  }
  throw new Error(`no profile says ${what}`)
}
