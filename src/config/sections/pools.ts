import { z } from 'zod'
import { type SyntaxFault, syntaxFault } from '../../standards/fault.ts'
import { domainField, ipField, parsed, positiveInteger } from '../../standards/yaml/fields.ts'
import { alwaysInLists, described, repeats } from './shape.ts'

/** A day of UTC as `2026-12-01`; the output is its start in milliseconds since the epoch. */
const dayField = parsed((text): number | SyntaxFault => {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN
  const isDay = !Number.isNaN(day) && new Date(day).toISOString().startsWith(text)
  return isDay ? day : syntaxFault('must be a day, as 2026-12-01')
})

const warmUp = z.strictObject({
  from: described(dayField, 'The first day of the plan, in UTC. Before it the address sends nothing.'),
  plan: described(
    z.array(positiveInteger).min(1, 'names no day').max(366, 'must be at most 366 days'),
    'Most messages to one site (the set of mail servers that domains share) on each day; after the last there is no bound.',
  ),
})

const address = z.strictObject({
  address: described(ipField, 'An address of this machine.'),
  ehlo: described(
    domainField.nullable().prefault(null),
    'The name that it says in EHLO: the one to which the address resolves back. Default: hostname.',
  ),
  weight: described(
    z.number().gt(0, 'must be greater than 0').max(1000, 'must be at most 1000').prefault(1),
    'Its share of the mail beside the others of its pool.',
  ),
  warmUp: described(
    warmUp.nullable().prefault(null),
    'A plan for an address that receivers do not know yet. What goes beyond it leaves from the other addresses of the pool, else waits for the next day.',
  ),
})

const pool = z.strictObject({
  name: described(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens, at most 32'),
    'What the policy names it by. `default` is the pool of whoever the policy gives none.',
  ),
  addresses: described(
    z
      .array(address)
      .min(1, 'a pool needs an address')
      .superRefine((all: readonly Partial<z.output<typeof address>>[], context) => {
        for (const at of repeats(all.map((one) => one?.address))) {
          context.addIssue({ code: 'custom', path: [at, 'address'], message: 'is in this pool already' })
        }
      }, alwaysInLists),
    'Its addresses. A message leaves from one of them and no other, and each retry for a site from the same.',
  ),
})

/** `delivery.pools`: the addresses that mail leaves from. */
export const poolsField = z.array(pool).superRefine((all: readonly Partial<z.output<typeof pool>>[], context) => {
  for (const at of repeats(all.map((one) => one?.name))) {
    context.addIssue({ code: 'custom', path: [at, 'name'], message: 'another pool has this name' })
  }
}, alwaysInLists)
