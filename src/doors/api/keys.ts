import { Hono } from 'hono'
import { z } from 'zod'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const name = z.string().min(1).max(253)
const rotateBody = z.strictObject({
  domain: name.nullable().default(null),
  source: name.nullable().default(null),
  dryRun: z.boolean().default(false),
})
const revokeBody = z.strictObject({
  domain: name,
  selector: name,
  reason: z.string().min(1).max(500),
  dryRun: z.boolean().default(false),
})
const importBody = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        domain: name,
        source: name.nullable().default(null),
        selector: name,
        privateKey: z.string().min(1).max(20_000),
      }),
    )
    .max(100),
})
const zoneQuery = z.strictObject({ domain: name.optional(), form: z.enum(['cname', 'txt']).default('cname') })

export function keyRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => c.json({ items: await operations.keys(), next: null }))
    .post('/check', async (c) => c.json({ items: await operations.checkKeys(), next: null }))
    .post('/rotate', async (c) => {
      const body = rotateBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success) return problem(c, 400, 'the body is { "domain"?: "...", "source"?: "...", "dryRun"?: true }')
      return c.json({ items: await operations.rotateKeys({ ...body.data, by: c.get('caller').name }), next: null })
    })
    .post('/revoke', async (c) => {
      const body = revokeBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success)
        return problem(c, 400, 'the body is { "domain": "...", "selector": "...", "reason": "...", "dryRun"?: true }')
      const answer = await operations.revokeKey({ ...body.data, by: c.get('caller').name })
      return answer === null ? problem(c, 404, 'there is no such key, or it is revoked already') : c.json(answer)
    })
    .post('/import', async (c) => {
      const body = importBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success)
        return problem(
          c,
          400,
          'the body is { "keys": [{ "domain": "...", "source"?: "...", "selector": "...", "privateKey": "..." }] }',
        )
      return c.json({
        items: await operations.importKeys({ keys: body.data.keys, by: c.get('caller').name }),
        next: null,
      })
    })
    .get('/zone', async (c) => {
      const query = zoneQuery.safeParse(c.req.query())
      if (!query.success) return problem(c, 400, 'the query is domain=NAME and form=cname or form=txt')
      const { domain = null, form } = query.data
      return c.text(await operations.keyZone({ domain, form }))
    })
}
