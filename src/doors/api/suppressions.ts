import { Hono } from 'hono'
import { z } from 'zod'
import type { Operations } from '../operations.ts'
import type { SuppressionAnswer, SuppressionEntry } from '../operations/suppressions.ts'
import { formatCsvRow } from '../../standards/csv/csv.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const entry = z.strictObject({
  address: z.string().max(320),
  reason: z.string().max(20).optional(),
  until: z.string().max(40).nullable().optional(),
  note: z.string().max(500).optional(),
})
const addBody = z.strictObject({ entries: z.array(entry).min(1).max(1000), dryRun: z.boolean().default(false) })
const removeBody = z.strictObject({
  addresses: z.array(z.string().max(320)).min(1).max(1000),
  note: z.string().max(500).default(''),
  dryRun: z.boolean().default(false),
})
const pageItems = 100
const exportItems = 1000

/** A customer's suppression list; mounted under `/customers/:customer/suppressions`. */
export function suppressionRoutes(operations: Operations): Hono<ApiEnv> {
  const nobody = 'no such customer'
  return new Hono<ApiEnv>()
    .get('/', async (c) => {
      const page = await operations.suppressions({
        customer: c.req.param('customer') ?? '',
        after: c.req.query('after') ?? null,
        limit: Number(c.req.query('limit') ?? pageItems) || pageItems,
        reason: c.req.query('reason') ?? null,
      })
      return page === null ? problem(c, 404, nobody) : c.json(page)
    })
    .post('/', async (c) => {
      const body = addBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success) {
        return problem(
          c,
          400,
          'the body is { "entries": [{ "address", "reason"?, "until"?, "note"? }], "dryRun"? }, at most 1000',
        )
      }
      const entries = body.data.entries satisfies readonly SuppressionEntry[]
      const request = { customer: c.req.param('customer') ?? '', entries, by: c.get('caller').name }
      return answered(c, await operations.addSuppressions({ ...request, dryRun: body.data.dryRun }))
    })
    .post('/remove', async (c) => {
      const body = removeBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success)
        return problem(c, 400, 'the body is { "addresses": ["..."], "note"?, "dryRun"? }, at most 1000')
      const request = { customer: c.req.param('customer') ?? '', ...body.data, by: c.get('caller').name }
      return answered(c, await operations.removeSuppressions(request))
    })
    .post('/import', async (c) => {
      const request = {
        customer: c.req.param('customer') ?? '',
        text: await c.req.text(),
        dryRun: c.req.query('dryRun') === 'true',
        by: c.get('caller').name,
      }
      return answered(c, await operations.importSuppressions(request))
    })
    .get('/export', async (c) => {
      const customer = c.req.param('customer') ?? ''
      const pageAfter = (after: string | null) =>
        operations.suppressions({ customer, after, limit: exportItems, reason: null })
      const first = await pageAfter(null)
      if (first === null) return problem(c, 404, nobody)
      let page: typeof first | null = first
      const head = ['address', 'reason', 'since', 'until', 'note', 'event', 'author']
      let begun = false
      const text = new ReadableStream<Uint8Array>({
        pull: async (sink) => {
          if (page === null) return sink.close()
          const rows = page.items.map((one) =>
            formatCsvRow([one.address, one.reason, one.since, one.until ?? '', one.note, one.event ?? '', one.author]),
          )
          sink.enqueue(Buffer.from(`${begun ? '' : formatCsvRow(head)}${rows.join('')}`))
          begun = true
          page = page.next === null ? null : await pageAfter(page.next)
        },
      })
      return c.body(text, 200, {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': 'attachment; filename="suppressions.csv"',
      })
    })
}

function answered(c: Parameters<typeof problem>[0], answer: SuppressionAnswer | null): Response {
  if (answer === null) return problem(c, 404, 'no such customer')
  if (answer.kind === 'invalid') {
    return problem(c, 422, 'nothing was changed: the list has problems', {
      kind: answer.kind,
      problems: answer.problems,
    })
  }
  return c.json(answer)
}
