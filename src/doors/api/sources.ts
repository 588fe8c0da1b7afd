import { Hono } from 'hono'
import { z } from 'zod'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const resolveBody = z.strictObject({ names: z.array(z.string().max(255)).max(100).optional() })

export function sourceRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>().post('/resolve', async (c) => {
    const body = resolveBody.safeParse(await c.req.json().catch(() => ({})))
    if (!body.success) return problem(c, 400, 'the body is { "names"?: ["..."] }, at most 100 of them')
    return c.json({ items: await operations.resolveSources(body.data.names ?? null), next: null })
  })
}
