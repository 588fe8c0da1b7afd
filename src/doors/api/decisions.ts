import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

/** One decision and what became of its message; `?replay=true` judges it again. */
export function decisionRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get('/:id', async (c) => {
    const story = await operations.why(c.req.param('id'), { replay: c.req.query('replay') === 'true' })
    return story === null ? problem(c, 404, 'no decision has this id') : c.json(story)
  })
}
