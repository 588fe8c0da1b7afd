import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './app.ts'

export function keyRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => c.json({ items: await operations.keys(), next: null }))
    .post('/check', async (c) => c.json({ items: await operations.checkKeys(), next: null }))
}
