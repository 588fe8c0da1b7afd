import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './app.ts'

export function domainRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get('/', async (c) => c.json({ items: await operations.domains(), next: null }))
}
