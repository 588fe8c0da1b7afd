import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import type { Log } from '../../platform/log.ts'
import { OperationError, type Operations } from '../operations.ts'
import { problem } from './problem.ts'
import { decisionRoutes } from './decisions.ts'
import { domainRoutes } from './domains.ts'
import type { ApiEnv } from './env.ts'
import { keyRoutes } from './keys.ts'
import { policyRoutes } from './policy.ts'
import { queueRoutes } from './queue.ts'
import { type RulePage, refusedRoutes } from './refused.ts'
import { customerRoutes } from './customers.ts'
import { sourceRoutes } from './sources.ts'
import { suppressionRoutes } from './suppressions.ts'
import { seenRoutes } from './seen.ts'
import { shapingRoutes } from './shaping.ts'
import type { EventFeed } from '../operations/events.ts'
import { eventRoutes } from './events.ts'
import { openApiDocument } from './openapi.ts'
import type { Caller, TokenBook } from './tokens.ts'

/** Whether mail can be taken, altogether and by each relay. */
export type Readiness = {
  readonly ready: boolean
  readonly workers: readonly { readonly name: string; readonly takesMail: boolean }[]
}

export type ApiOptions = {
  readonly operations: Operations
  readonly events: EventFeed
  readonly tokens: TokenBook
  /** null for an unknown rule. */
  readonly rulePage: (rule: string) => RulePage | null
  /** Whether mail can be taken now. */
  readonly ready: () => Promise<Readiness>
  readonly log: Log
}

/** A policy of 100,000 customers is some 110 MB, and half as much again within JSON; a list of a million addresses some 40 MB; all else that is sent is a few words. */
const mostOctets = { policy: 320 * 1024 * 1024, list: 64 * 1024 * 1024, other: 64 * 1024 }

/** The HTTP face: everything under /api/v1 needs a bearer token; the health pages and `/refused/RULE` need none. */
export function createApi(options: ApiOptions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  app.use(secureHeaders())

  app.get('/healthz', (c) => c.text('ok'))
  app.get('/readyz', async (c) => {
    const { ready, workers } = await options.ready()
    const each = workers.map(({ name, takesMail }) => `${name} ${takesMail ? 'takes mail' : 'takes no mail'}`)
    return c.text([ready ? 'ready' : 'not ready', ...(each.length > 1 ? each : [])].join('\n'), ready ? 200 : 503)
  })
  app.route('/refused', refusedRoutes(options.rulePage))

  app.use('/api/v1/*', async (c, next) => {
    const caller = await callerOf(options.tokens, c.req.header('authorization'))
    if (caller === null) {
      // RFC 9110 §11.6.1
      c.header('WWW-Authenticate', 'Bearer')
      return problem(c, 401, 'send a valid token as Authorization: Bearer TOKEN')
    }
    c.set('caller', caller)
    c.header('Cache-Control', 'no-store')
    return next()
  })
  // Only now: a body is read for nobody who is not known.
  const limited = (maxSize: number): ReturnType<typeof bodyLimit> =>
    bodyLimit({ maxSize, onError: (c) => problem(c, 413, `the body is larger than ${maxSize} octets`) })
  const policyLimit = limited(mostOctets.policy)
  const listLimit = limited(mostOctets.list)
  const otherLimit = limited(mostOctets.other)
  app.use('/api/v1/*', (c, next) => {
    if (c.req.path === '/api/v1/policy') return policyLimit(c, next)
    return isSuppressionList(c.req.path) ? listLimit(c, next) : otherLimit(c, next)
  })
  app.route('/api/v1/policy', policyRoutes(options.operations))
  app.route('/api/v1/domains', domainRoutes(options.operations))
  app.route('/api/v1/sources', sourceRoutes(options.operations))
  app.route('/api/v1/seen', seenRoutes(options.operations))
  app.route('/api/v1/keys', keyRoutes(options.operations))
  app.route('/api/v1/queue', queueRoutes(options.operations))
  app.route('/api/v1/events', eventRoutes(options.events))
  app.get('/api/v1/openapi.json', (c) => c.json(openApiDocument()))
  app.route('/api/v1/shaping', shapingRoutes(options.operations))
  app.route('/api/v1/decisions', decisionRoutes(options.operations))
  app.route('/api/v1/customers', customerRoutes(options.operations))
  app.route('/api/v1/customers/:customer/suppressions', suppressionRoutes(options.operations))

  app.notFound((c) => problem(c, 404, 'there is nothing at this address'))
  app.onError((error, c) => {
    if (error instanceof OperationError && error.kind !== 'fault')
      return problem(c, statusOf[error.kind], error.message)
    options.log.error('a request failed', { method: c.req.method, path: c.req.path, error })
    return problem(c, 500, 'something went wrong on our side; the log tells what')
  })
  return app
}

function isSuppressionList(path: string): boolean {
  return /^\/api\/v1\/customers\/[^/]+\/suppressions(?:\/|$)/.test(path)
}

const statusOf = { usage: 400, 'not-allowed': 403, unavailable: 503 } as const

async function callerOf(tokens: TokenBook, authorization: string | undefined): Promise<Caller | null> {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
  return token === undefined ? null : tokens.callerOf(token)
}
