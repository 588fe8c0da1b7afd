import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

export function shapingRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => c.json({ items: await operations.shapingActions(), next: null }))
    .get('/explain', async (c) => {
      const domain = c.req.query('domain')
      if (domain === undefined || domain.length > 255) return problem(c, 400, 'name a domain: ?domain=example.com')
      return c.json(await operations.explainShaping(domain))
    })
    .post('/:id/clear', async (c) => {
      const done = await operations.clearShaping(c.req.param('id'), c.get('caller').name)
      return done ? c.json({ done }) : problem(c, 404, 'no such action is in force')
    })
}
