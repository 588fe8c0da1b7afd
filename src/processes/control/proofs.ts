import type { Dns, Resolver } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import {
  type DomainListing,
  type LookedProof,
  type Registry,
  type WantedProof,
  lookForProof,
} from '../../rooms/registry/index.ts'
import { parseDomain } from '../../standards/names/domain.ts'
import { type OurPlace, type ReturnPathRecord, returnPathRecords as recordsOf } from './return-path-records.ts'

/** Records looked up at once, and due ones taken at a time: a resolver must not take us for a flood. */
const lookUpsAtOnce = 20
const dueAtOnce = 100

export type ProofCheck = DomainListing & {
  readonly seen: boolean
  readonly because: string
  /** What must stand in DNS for the return path, if the policy names one. */
  readonly returnPathRecords: readonly ReturnPathRecord[]
}

/** Looks for the records that prove domains. */
export type ProofKeeper = {
  /** Looks for these domains' records, or for all, past caches, and says what each domain is now. */
  check(names: readonly string[] | null): Promise<readonly ProofCheck[]>
  /** The same for some that are due by their own clock. */
  checkDue(now: number): Promise<void>
}

export function openProofKeeper(options: {
  readonly registry: Registry
  /** How long a proof whose record is gone still counts, in milliseconds. */
  readonly graceMs: number
  readonly dns: Dns & Resolver
  readonly place: OurPlace
  readonly dnsAt: (address: string) => Dns
  readonly log: Log
}): ProofKeeper {
  const { registry, graceMs, dns, dnsAt, log } = options

  const look = async (proof: WantedProof): Promise<LookedProof> => ({
    ...proof,
    ...(await lookForProof(dns, dnsAt, proof)),
  })

  const lookAll = async (proofs: readonly WantedProof[]): Promise<readonly LookedProof[]> => {
    const looked: LookedProof[] = []
    for (let from = 0; from < proofs.length; from += lookUpsAtOnce) {
      const some = await Promise.all(proofs.slice(from, from + lookUpsAtOnce).map(look))
      const changes = await registry.noteProofs(some, { graceMs, chance: Math.random })
      for (const { customer, domain, state, lapsesAt, because } of changes) {
        const until = lapsesAt === null ? null : new Date(lapsesAt).toISOString()
        const fields = { customer, domain, because, until }
        if (state === 'proven') log.info('domain proven', fields)
        else log.warn(state === 'lapsed' ? 'domain proof lapsed' : 'domain proof is gone from DNS', fields)
      }
      looked.push(...some)
    }
    return looked
  }

  return {
    check: async (names) => {
      const domains = names?.map((name) => parseDomain(name)).filter((name) => typeof name === 'string') ?? null
      const looked = await lookAll(await registry.proofs(domains))
      const found = new Map(looked.map((one) => [`${one.customer}/${one.domain}`, one]))
      const wanted = domains === null ? null : new Set(domains)
      const rows = (await registry.domains()).filter((row) => wanted === null || wanted.has(row.domain))
      const beside = await Promise.all(
        rows.map(async ({ returnPath }) => (returnPath === null ? [] : recordsOf(dns, returnPath, options.place))),
      )
      return rows.map((row, at) => {
        const returnPathRecords = beside[at] ?? []
        const one = found.get(`${row.customer ?? 'self'}/${row.domain}`)
        if (one === undefined) {
          const because = row.trouble ?? 'it is asserted, not looked for'
          return { ...row, returnPathRecords, seen: false, because }
        }
        return { ...row, returnPathRecords, seen: one.answer === 'seen', because: one.because }
      })
    },
    checkDue: async (now) => {
      await lookAll(await registry.proofsToLookFor(now, dueAtOnce))
    },
  }
}
