import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const pageItems = 100

export function customerRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => {
      const limit = Number(c.req.query('limit') ?? pageItems) || pageItems
      return c.json(await operations.customers({ after: c.req.query('after') ?? null, limit }))
    })
    .get('/:id', async (c) => {
      const found = await operations.customer(c.req.param('id'))
      return found === null ? problem(c, 404, 'no such customer') : c.json(found)
    })
}
