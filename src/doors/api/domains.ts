import { Hono } from 'hono'
import { z } from 'zod'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const checkBody = z.strictObject({ names: z.array(z.string().max(255)).max(1000).optional() })

export function domainRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => c.json({ items: await operations.domains(), next: null }))
    .post('/check', async (c) => {
      const body = checkBody.safeParse(await c.req.json().catch(() => ({})))
      if (!body.success) return problem(c, 400, 'the body is { "names"?: ["..."] }, at most 1000 of them')
      return c.json({ items: await operations.checkDomains(body.data.names ?? null), next: null })
    })
    .get('/:name', async (c) => c.json({ items: await operations.domain(c.req.param('name')), next: null }))
}
