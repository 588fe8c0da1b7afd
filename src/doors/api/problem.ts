import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from 'zod'

/** A problem as RFC 9457 §3 describes it. `title` is the same for all problems of a status; `detail` says what to do. */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  detail: string,
  more: { readonly [key: string]: unknown } = {},
): Response {
  const body = { type: 'about:blank', title: titles[status] ?? 'Problem', status, detail, ...more }
  return c.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' })
}

/** What was wrong in a request, each with the path of its field (RFC 9457 §3.2). */
export function invalid(c: Context, { issues }: z.ZodError): Response {
  const errors = issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  const detail = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  return problem(c, 400, detail, { errors })
}

const titles: { readonly [status: number]: string } = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  422: 'Invalid policy',
  500: 'Fault on our side',
  503: 'Unavailable',
}
