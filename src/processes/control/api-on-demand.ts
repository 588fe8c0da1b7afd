import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiOptions } from '../../doors/api/app.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** The API is loaded by the first request, or soon after the start: the door is open before that. */
export function apiOnDemand(options: ApiOptions): { readonly listener: Listener; warmUp(): void } {
  let loading: Promise<Listener> | null = null
  const load = (): Promise<Listener> => (loading ??= loadApi(options))
  return {
    listener: (request, response) => {
      load().then(
        (listener) => listener(request, response),
        (error: unknown) => {
          options.log.error('the API could not be loaded', { error })
          response.writeHead(500).end()
        },
      )
    },
    warmUp: () => void load().catch(() => {}),
  }
}

async function loadApi(options: ApiOptions): Promise<Listener> {
  const { createApi } = await import('../../doors/api/app.ts')
  const { getRequestListener } = await import('@hono/node-server')
  return getRequestListener(createApi(options).fetch)
}
