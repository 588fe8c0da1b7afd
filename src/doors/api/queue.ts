import { type Context, Hono } from 'hono'
import type { Operations } from '../operations.ts'
import { type QueueAction, type QueueSelection, mostOfPage, queueGroupings } from '../operations/queue.ts'
import type { ApiEnv } from './env.ts'
import { invalid, problem } from './problem.ts'
import { actionBody, bodyBody, bulkBody, listQuery, summaryQuery, verbBodies } from './queue-shapes.ts'

const absent = 'no such message in the queue'

export function queueRoutes(operations: Operations): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
    .get('/', async (c) => {
      const query = listQuery.safeParse(c.req.query())
      if (!query.success) return invalid(c, query.error)
      const { cursor = null, limit = mostOfPage, ...selection } = query.data
      return c.json(await operations.queuePage(given(selection), { after: cursor, limit }))
    })
    .get('/counts', async (c) => c.json(await operations.queueCounts()))
    .get('/summary', async (c) => {
      const query = summaryQuery.safeParse(c.req.query())
      if (!query.success) return invalid(c, query.error)
      const { by = queueGroupings[0], limit } = query.data
      return c.json({ ...(await operations.queueSummary(by, given({ limit }))), next: null })
    })
    .get('/:id', async (c) => {
      const found = await operations.queued(c.req.param('id'))
      return found === null ? problem(c, 404, absent) : c.json(found)
    })
    .post('/', async (c) => {
      const body = bulkBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success) return invalid(c, body.error)
      const { filter, action, dryRun = false, after } = body.data
      const selection = given(filter)
      if (dryRun) return c.json(await operations.wouldActOnQueue({ selection, action }))
      return c.json(await operations.actOnQueue({ selection, action, after, by: c.get('caller').name }))
    })
    .post('/:id/body', async (c) => {
      const body = bodyBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success) return invalid(c, body.error)
      const { role, name } = c.get('caller')
      if (role !== 'operator-admin') return problem(c, 403, 'bodies are for administrators of the operator')
      const shown = await operations.queuedBody({ id: c.req.param('id'), reason: body.data.reason, by: name })
      return shown === null ? problem(c, 404, absent) : c.json(shown)
    })
  for (const [verb, shape] of Object.entries(verbBodies)) {
    routes.post(`/:id/${verb}`, async (c) => {
      const text = await c.req.text()
      const body = shape.safeParse(text.trim() === '' ? {} : parsed(text))
      if (!body.success) return invalid(c, body.error)
      return actOn(operations, c, actionBody.parse({ verb, ...body.data }))
    })
  }
  return routes
}

async function actOn(operations: Operations, c: Context<ApiEnv>, action: QueueAction): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const acted = await operations.actOnMessage({ id, action, by: c.get('caller').name })
  if (acted.done) return c.json({ done: true })
  const found = await operations.queued(id)
  return found === null ? problem(c, 404, absent) : problem(c, 409, acted.why)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Without what was not given. */
function given<T extends object>(values: T): { [name in keyof T]: Exclude<T[name], undefined> } & QueueSelection {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
