import { z } from 'zod'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseDuration } from '../../standards/yaml/duration.ts'
import { mostOfPage, queueGroupings, queueStates } from '../operations/queue.ts'

/** What a request about the queue may say; the OpenAPI document is made of the same shapes. */

const duration = z
  .string()
  .max(20)
  .refine((text) => !isSyntaxFault(parseDuration(text)), 'must be a whole number with a unit: ms, s, m, h or d')

/** Told to a sender, and kept: printable, one line. */
const reason = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, 'must be one line')

const filters = {
  customer: z.string().max(200).optional(),
  domain: z.string().max(253).optional(),
  source: z.string().max(200).optional(),
  destination: z.string().max(253).optional(),
  reason: z.string().min(1).max(500).optional(),
  state: z.enum(queueStates).optional(),
  olderThan: duration.optional(),
}

export const listQuery = z.strictObject({
  ...filters,
  limit: z.coerce.number().int().min(1).max(mostOfPage).optional(),
  cursor: z.string().max(64).optional(),
})

export const summaryQuery = z.strictObject({
  by: z.enum(queueGroupings).optional(),
  limit: z.coerce.number().int().min(1).max(mostOfPage).optional(),
})

const route = z.strictObject({
  host: z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9:._-]+$/, 'must be a host name or an address'),
  port: z.number().int().min(1).max(65_535),
  tls: z.enum(['off', 'opportunistic', 'required']).default('opportunistic'),
})

/** The body of `POST /queue/{id}/VERB`. */
export const verbBodies = {
  retry: z.strictObject({}),
  release: z.strictObject({}),
  cancel: z.strictObject({}),
  hold: z.strictObject({
    reason,
    holdFor: duration.optional(),
    owner: reason.optional(),
    atEnd: z.enum(['cancel', 'release', 'bounce']).optional(),
  }),
  reroute: z.strictObject({ route: route.nullable() }),
  bounce: z.strictObject({
    reason,
    status: z
      .string()
      .regex(/^5\.\d{1,3}\.\d{1,3}$/, 'must be an enhanced status code of class 5')
      .optional(),
  }),
} as const

export const actionBody = z.discriminatedUnion('verb', [
  verbBodies.retry.extend({ verb: z.literal('retry') }),
  verbBodies.release.extend({ verb: z.literal('release') }),
  verbBodies.cancel.extend({ verb: z.literal('cancel') }),
  verbBodies.hold.extend({ verb: z.literal('hold') }),
  verbBodies.reroute.extend({ verb: z.literal('reroute') }),
  verbBodies.bounce.extend({ verb: z.literal('bounce') }),
])

/** A bulk action never takes the whole queue by mistake. */
export const bulkBody = z.strictObject({
  filter: z.strictObject(filters).refine((filter) => Object.keys(filter).length > 0, 'must name at least one filter'),
  action: actionBody,
  dryRun: z.boolean().optional(),
  after: z.string().max(64).optional(),
})

export const bodyBody = z.strictObject({ reason })
