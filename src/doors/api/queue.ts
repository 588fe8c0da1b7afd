import { Hono } from 'hono'
import { z } from 'zod'
import type { Operations, QueueSelection } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const selectors = ['customer', 'domain', 'source', 'destination', 'reason'] as const
const holdBody = z.strictObject({ reason: z.string().min(1).max(500) })

export function queueRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => {
      const selection: { -readonly [name in keyof QueueSelection]: string } = {}
      for (const name of selectors) {
        const value = c.req.query(name)
        if (value !== undefined) selection[name] = value
      }
      return c.json({ items: await operations.queue(selection), next: null })
    })
    .get('/:id', async (c) => {
      const found = await operations.queued(c.req.param('id'))
      return found === null ? problem(c, 404, 'no such message in the queue') : c.json(found)
    })
    .post('/:id/hold', async (c) => {
      const body = holdBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success) return problem(c, 400, 'the body is { "reason": "..." }')
      const done = await operations.holdMessage(c.req.param('id'), body.data.reason, c.get('caller').name)
      return done ? c.json({ done }) : problem(c, 404, 'no such message in the queue')
    })
    .post('/:id/release', async (c) => {
      const done = await operations.releaseMessage(c.req.param('id'), c.get('caller').name)
      return done ? c.json({ done }) : problem(c, 404, 'no such message is held')
    })
    .post('/:id/cancel', async (c) => {
      const done = await operations.cancelMessage(c.req.param('id'), c.get('caller').name)
      return done ? c.json({ done }) : problem(c, 404, 'no such message in the queue')
    })
}
