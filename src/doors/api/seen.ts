import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'

/** Who was seen sending for whom, authorised or not. */
export function seenRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get('/', async (c) =>
    c.json({ items: await operations.seen({ customer: c.req.query('customer') ?? null }), next: null }),
  )
}
