import { Hono } from 'hono'
import type { Operations } from '../operations.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

/** One decision and what became of its message; `?replay=true` judges it again. Or the ids of decisions about a Message-ID. */
export function decisionRoutes(operations: Operations): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get('/', async (c) => {
      const messageId = c.req.query('messageId')
      if (messageId === undefined || messageId.length > 1000)
        return problem(c, 400, 'the query is messageId=ID', { errors: [{ path: 'messageId', message: 'is missing' }] })
      const ids = await operations.idsOfMessageId(messageId)
      return c.json({ items: ids.map((id) => ({ id })), next: null })
    })
    .get('/:id', async (c) => {
      const story = await operations.why(c.req.param('id'), { replay: c.req.query('replay') === 'true' })
      return story === null ? problem(c, 404, 'no decision has this id') : c.json(story)
    })
}
