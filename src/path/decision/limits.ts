import type { Customer, Grant, GrantLimits } from '../../rooms/registry/index.ts'
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
  return over === undefined ? null : `${over[1]} ${over[2]}`
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
