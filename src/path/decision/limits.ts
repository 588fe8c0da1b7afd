import type { Customer, Grant, GrantLimits, PolicySnapshot } from '../../rooms/registry/index.ts'
import { type Subject, counterKeysOf } from './attribute.ts'
import type { Counters } from './decision.ts'

/** What a grant may send when it sets no limit of its own: beyond what any one sender needs, and still an end to a flood. */
export const defaultLimits = {
  messagesPerHour: 1_000_000,
  messagesPerDay: 10_000_000,
  recipientsPerHour: 2_000_000,
  recipientsPerDay: 20_000_000,
  recipientsPerMessage: 500,
} as const satisfies GrantLimits

/** The budget of a customer on trial, over all its sources together. */
export const trialBudget = { recipientsPerHour: 100, recipientsPerDay: 500 } as const

/** Distinct recipients that one message may reach within a day, in all its copies: beyond any honest list that a mailbox writes to. */
export const copyLimit = 1000

/** The first limit that this message, counted, would exceed, in words; or null. */
export function exceeded(
  grant: Grant,
  plan: Customer['plan'] | null,
  counters: Counters,
  recipients: number,
): string | null {
  const limit = limitsOf(grant)
  const { grant: used, customer, copies } = counters
  const bounds: readonly (readonly [count: number, most: number, words: string])[] = [
    [recipients, limit.recipientsPerMessage, 'recipients in one message'],
    // An envelope that adds nobody is a retry.
    ...(copies == null || copies.fresh === 0
      ? []
      : [[copies.reached + copies.fresh, copyLimit, 'recipients a day of one and the same message'] as const]),
    [used.messagesLastHour + 1, limit.messagesPerHour, 'messages an hour'],
    [used.messagesLastDay + 1, limit.messagesPerDay, 'messages a day'],
    [used.recipientsLastHour + recipients, limit.recipientsPerHour, 'recipients an hour'],
    [used.recipientsLastDay + recipients, limit.recipientsPerDay, 'recipients a day'],
    ...(plan === 'standard'
      ? []
      : ([
          [customer.recipientsLastHour + recipients, trialBudget.recipientsPerHour, 'recipients an hour on trial'],
          [customer.recipientsLastDay + recipients, trialBudget.recipientsPerDay, 'recipients a day on trial'],
        ] as const)),
  ]
  // Written so that a count which is not a number is over every limit.
  const over = bounds.find(([count, most]) => !(count <= most))
  return over === undefined ? (counters.shared ?? null) : `${over[1]} ${over[2]}`
}

/** A limit that holds over several relays together: what one message needs of it. All lists are in the same order. */
export type SharedLimit = {
  readonly key: string
  readonly limits: readonly number[]
  readonly need: readonly number[]
  readonly words: readonly string[]
}

const windowWords = ['messages an hour', 'messages a day', 'recipients an hour', 'recipients a day'] as const
const trialWords = ['recipients an hour on trial', 'recipients a day on trial'] as const
const copyWords = ['recipients a day of one and the same message'] as const

/** The limits of `exceeded()` that count over time, as several relays share them. */
export function sharedLimitsFor(
  subject: Subject,
  policy: PolicySnapshot | null,
  recipients: number,
  copy: { readonly key: string; readonly fresh: number } | null,
): readonly SharedLimit[] {
  const keys = counterKeysOf(subject)
  if (keys === null || policy === null) return []
  const needs = [
    [keys.grant, [1, 1, recipients, recipients], windowWords],
    [keys.customer, [recipients, recipients], trialWords],
    ...(copy === null || copy.fresh === 0 ? [] : [[copy.key, [copy.fresh], copyWords] as const]),
  ] as const
  return needs.flatMap(([key, need, words]) => {
    const limits = limitsByKey(key, policy)
    return limits === null ? [] : [{ key, limits, need, words: words.map((what, at) => `${limits[at]} ${what}`) }]
  })
}

/** The limits behind the key of a counter, by this policy; null when there are none. */
export function limitsByKey(key: string, policy: PolicySnapshot): readonly number[] | null {
  const [kind, name = '', grant] = key.split('/')
  if (kind === 'copies') return [copyLimit]
  const customer = policy.customers.get(name)
  if (customer === undefined) return null
  if (kind === 'customer')
    return customer.plan === 'standard' ? null : [trialBudget.recipientsPerHour, trialBudget.recipientsPerDay]
  const found = customer.grants.find(({ id }) => id === grant)
  if (found === undefined) return null
  const { messagesPerHour, messagesPerDay, recipientsPerHour, recipientsPerDay } = limitsOf(found)
  return [messagesPerHour, messagesPerDay, recipientsPerHour, recipientsPerDay]
}

/** The keys of all limits of a customer. */
export function limitKeysOf({ id, grants }: Customer): readonly string[] {
  return [`customer/${id}`, ...grants.map((grant) => `grant/${id}/${grant.id}`)]
}

function limitsOf({ limits }: Grant): { readonly [name in keyof GrantLimits]: number } {
  return {
    messagesPerHour: limits.messagesPerHour ?? defaultLimits.messagesPerHour,
    messagesPerDay: limits.messagesPerDay ?? defaultLimits.messagesPerDay,
    recipientsPerHour: limits.recipientsPerHour ?? defaultLimits.recipientsPerHour,
    recipientsPerDay: limits.recipientsPerDay ?? defaultLimits.recipientsPerDay,
    recipientsPerMessage: limits.recipientsPerMessage ?? defaultLimits.recipientsPerMessage,
  }
}
