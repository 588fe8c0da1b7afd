import { Hono } from 'hono'
import { z } from 'zod'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

const applyBody = z.strictObject({
  file: z.string().max(4096).default('policy.yaml'),
  text: z.string(),
  dryRun: z.boolean().default(false),
})

/** The whole policy as one document: read it, or replace it. */
export function policyRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => c.text(await operations.exportPolicy(), 200, { 'content-type': 'application/yaml' }))
    .put('/', async (c) => {
      const body = applyBody.safeParse(await c.req.json().catch(() => null))
      if (!body.success) return problem(c, 400, 'the body is { "text": "...", "file"?: "...", "dryRun"?: true }')
      const answer = await operations.applyPolicy({ ...body.data, by: c.get('caller').name })
      switch (answer.kind) {
        case 'applied':
        case 'planned':
          return c.json(answer)
        case 'invalid':
          return problem(c, 422, 'the policy has errors', { kind: 'invalid', problems: answer.problems })
        case 'read-only':
          return problem(c, 409, `the policy is the file ${answer.file}: edit it and reload`, answer)
        default:
          return answer satisfies never
      }
    })
}
