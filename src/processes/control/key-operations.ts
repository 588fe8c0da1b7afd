import type { Config } from '../../config/index.ts'
import {
  type ImportAnswer,
  type ImportRequest,
  type KeyRow,
  OperationError,
  type Operations,
  type RevokeAnswer,
} from '../../doors/operations.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import {
  type KeyListing,
  type Registry,
  agedAt,
  delegationOf,
  ourZoneFile,
  ownersZoneFile,
} from '../../rooms/registry/index.ts'
import { ensureWrappingKey, takeKeys, wrapAnew } from '../../signer/index.ts'
import { type SyntaxFault, isSyntaxFault } from '../../standards/fault.ts'
import { type Domain, parseDomain } from '../../standards/names/domain.ts'
import { atMost } from '../waiting.ts'
import { type KeyKeeper, keysWithinMs } from './keys.ts'

export type KeyOperationsOptions = {
  readonly registry: Registry
  readonly keys: KeyKeeper
  readonly wrapping: string
  /** `keys.zone`: where customers' aliases lead. */
  readonly zone: Domain
  readonly giveUpAfter: number
  readonly now: () => number
  readonly log: Log
}

/** What the configuration says of keys. */
export function keyPlacesIn(
  { keys, delivery }: Config,
  clock: Clock,
): Pick<KeyOperationsOptions, 'wrapping' | 'zone' | 'giveUpAfter' | 'now'> {
  const { giveUpAfter } = delivery.retry
  return { wrapping: keys.wrapping, zone: keys.zone, giveUpAfter, now: () => clock.now() }
}

type KeyOperations = Pick<
  Operations,
  'keys' | 'checkKeys' | 'rotateKeys' | 'revokeKey' | 'importKeys' | 'keyZone' | 'rewrapKeys'
>

/** Keys wrapped anew at a time. */
const pageSize = 500

/** What people can ask for about keys. */
export function keyOperations(options: KeyOperationsOptions): KeyOperations {
  const { registry, keys, zone } = options
  const rowOf = (key: KeyListing): KeyRow => keyRow(key, options)
  return {
    keys: async () => (await registry.keys()).map(rowOf),
    checkKeys: async () =>
      (await keys.checkAll()).map((key) => ({
        ...rowOf(key),
        seen: key.seen,
        fine: key.fine,
        because: key.because,
      })),
    rotateKeys: async ({ domain, source, dryRun, by }) => {
      const order = { domain: asWritten(domain), source, before: options.now(), dryRun }
      const rotations = await keys.rotate(order, by, 'rotation by hand')
      if (!dryRun) await madeSoon(options)
      const waiting = byLine(await registry.keys(), ['pending', 'published'])
      return rotations.map(({ key, outcome }) => {
        const next = waiting.get(lineOf(key))
        return { ...rowOf(key), outcome, next: next === undefined ? null : rowOf(next) }
      })
    },
    revokeKey: (request) => revoke(options, rowOf, request),
    importKeys: async ({ keys: requests, by }) => importAll(options, rowOf, requests, by),
    keyZone: async ({ domain, form }) => {
      const all = await registry.keys()
      if (domain === null) return ourZoneFile(all, zone)
      return ownersZoneFile(all, zone, asWritten(domain) as Domain, form)
    },
    rewrapKeys: (to) => rewrapAll(options, to),
  }
}

/** Before the answer, so that who asked finds the keys in the next command. */
async function madeSoon({ keys, log }: KeyOperationsOptions): Promise<void> {
  const made = keys.makeFirst().catch((error: unknown) => log.error('keys could not be made yet', { error }))
  await atMost(keysWithinMs, made)
}

async function revoke(
  options: KeyOperationsOptions,
  rowOf: (key: KeyListing) => KeyRow,
  { domain, selector, reason, dryRun, by }: Parameters<Operations['revokeKey']>[0],
): Promise<RevokeAnswer | null> {
  const { registry, log } = options
  const name = { domain: asWritten(domain) ?? domain, selector }
  const key = await registry.keyAt(name)
  if (key === null || key.state === 'revoked') return null
  if (dryRun) return { kind: 'planned', key: rowOf(key), replacement: null }
  if ((await registry.revokeKey(name, by, reason)) === null) return null
  log.warn('key revoked', { ...name, by, reason })
  await madeSoon(options)
  const revoked = (await registry.keyAt(name)) ?? key
  const replacement = byLine(await registry.keys(), ['pending', 'published', 'active']).get(lineOf(key))
  return { kind: 'revoked', key: rowOf(revoked), replacement: replacement === undefined ? null : rowOf(replacement) }
}

/** By whose they are and what for, the keys in these states; of several the latest state counts. */
function byLine(keys: readonly KeyListing[], states: readonly KeyListing['state'][]): ReadonlyMap<string, KeyListing> {
  const found = new Map<string, KeyListing>()
  for (const state of states) {
    for (const key of keys) if (key.state === state) found.set(lineOf(key), key)
  }
  return found
}

/** RSA keys of different lengths follow each other. */
function lineOf({ customer, domain, source, algorithm }: KeyListing): string {
  return `${customer}/${domain}/${source}/${algorithm === 'ed25519' ? algorithm : 'rsa'}`
}

async function importAll(
  options: KeyOperationsOptions,
  rowOf: (key: KeyListing) => KeyRow,
  requests: readonly ImportRequest[],
  by: string,
): Promise<readonly ImportAnswer[]> {
  const { registry, wrapping, keys } = options
  const policy = await registry.load()
  const placed = requests.map((request) => ownerOf(policy, request))
  const good = placed.flatMap((one) => (typeof one === 'string' ? [] : [one]))
  const taken = await takeKeys(wrapping, good)
  const answers: ImportAnswer[] = []
  for (const one of placed) {
    const read = typeof one === 'string' ? one : taken[good.indexOf(one)]
    if (read === undefined || typeof read === 'string' || read.kind === 'refused') {
      const reason = typeof read === 'string' ? read : (read?.reason ?? 'the signer did not answer')
      answers.push({ kind: 'refused', reason })
      continue
    }
    const outcome = await registry.importKey(read.key, by, `the key ${read.key.selector} was imported`)
    if (outcome === 'imported') {
      const stored = await registry.keyAt(read.key)
      if (stored === null) throw new Error('a key just imported is not there')
      const [checked = stored] = await keys.check([stored])
      answers.push({ kind: 'imported', key: rowOf(checked) })
    } else answers.push({ kind: 'refused', reason: refusals[outcome] })
  }
  return answers
}

const refusals = {
  unknown: 'no grant asks for a key of this kind for this domain and source (see signing.algorithms)',
  taken: 'another key has this selector at this domain',
} as const

type Placed = ImportRequest & { readonly customer: string; readonly source: string; readonly domain: Domain }

/** Whose the key is to be; a string says why it can be nobody's. */
function ownerOf(policy: Awaited<ReturnType<Registry['load']>>, request: ImportRequest): Placed | string {
  const domain = parseDomain(request.domain)
  if (isSyntaxFault(domain)) return `${request.domain} is no domain: ${domain.reason}`
  if (isSyntaxFault(selectorFault(request.selector, domain))) return `${request.selector} is no selector`
  const owner = policy.ownerOf(domain)
  const customer = owner === null ? undefined : policy.customers.get(owner.customer)
  if (customer === undefined) return `${domain} is no customer's`
  const sources = customer.grants.filter((grant) => grant.domains.includes(domain)).map((grant) => grant.source)
  const choices = [...new Set(sources)]
  const [only, ...others] = choices
  if (only === undefined) return `no source is granted ${domain}`
  if (request.source === null) {
    return others.length === 0
      ? { ...request, domain, customer: customer.id, source: only }
      : `${domain} is granted to several sources: say --source ${choices.join(', or ')}`
  }
  if (!choices.includes(request.source)) return `${request.source} is not granted ${domain}`
  return { ...request, domain, customer: customer.id, source: request.source }
}

function selectorFault(selector: string, domain: Domain): SyntaxFault | Domain {
  return parseDomain(`${selector}.${domain}`)
}

async function rewrapAll(
  { registry, wrapping }: KeyOperationsOptions,
  to: string,
): Promise<{ readonly wrapped: number; readonly unopened: readonly string[] }> {
  if (!/^(?:file|env|command):./.test(to))
    throw new OperationError('usage', `${to} is not file:PATH, env:NAME or command:COMMAND`)
  ensureWrappingKey(to)
  const unopened: string[] = []
  let count = 0
  for (let after: string | null = null; ;) {
    const page = await registry.wrappedKeys(after, pageSize)
    if (page.length === 0) return { wrapped: count, unopened }
    const keys = page.map(({ key }) => key)
    const fresh = await wrapAnew(wrapping, to, keys)
    await registry.rewrapKeys(
      page.flatMap((placed, at) => {
        const wrapped = fresh[at] ?? null
        return wrapped === null || wrapped === placed.key.wrapped ? [] : [{ ...placed, wrapped }]
      }),
    )
    count += fresh.filter((wrapped) => wrapped !== null).length
    unopened.push(...keys.filter((_, at) => (fresh[at] ?? null) === null).map((key) => `${key.selector} ${key.domain}`))
    after = page.at(-1)?.at ?? null
  }
}

function keyRow(key: KeyListing, { zone, giveUpAfter }: KeyOperationsOptions): KeyRow {
  const { domain, source, selector, algorithm, state, record } = key
  return {
    domain,
    source,
    selector,
    algorithm,
    state,
    record,
    delegation: delegationOf(key, zone),
    toDo: toDo(key, giveUpAfter),
  }
}

/** What somebody has to do in DNS, in words; null when there is nothing. */
function toDo(key: KeyListing, giveUpAfter: number): string | null {
  switch (key.state) {
    case 'pending':
      return 'publish the record'
    case 'retiring':
      return `leave the record until ${new Date(agedAt(key.since, giveUpAfter)).toISOString().slice(0, 10)}`
    case 'published':
    case 'active':
      return null
    case 'retired':
      return key.goneAt === null ? 'remove this record' : null
    case 'revoked':
      return key.goneAt === null ? 'publish the record without the key' : null
    default:
      return key.state satisfies never
  }
}

/** A domain as the registry writes it; what is none finds nothing. */
function asWritten(domain: string | null): string | null {
  if (domain === null) return null
  const parsed = parseDomain(domain)
  return isSyntaxFault(parsed) ? domain : parsed
}
