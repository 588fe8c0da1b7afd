import { Hono } from 'hono'
import type { EventFeed, FedEvent } from '../operations/events.ts'
import type { ApiEnv } from './env.ts'
import { problem } from './problem.ts'

/** Nothing is said for so long that a proxy would hang up, in milliseconds. */
const heartbeatMs = 15_000

/** Events that wait for a slow reader before it is cut off; it comes back with the id of the last one that it has. */
const mostWaiting = 1_000

/** How soon a reader comes back, in milliseconds. */
const comeBackMs = 2_000

/** Server-sent events (HTML Living Standard §9.2): steps of messages, and the counts of the queue. */
export function eventRoutes(feed: EventFeed): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get('/', (c) => {
    const after = c.req.header('last-event-id') ?? c.req.query('after') ?? null
    const customer = c.req.query('customer') ?? null
    const body = streamOf((send) => feed.listen({ after, customer }, send))
    if (body === null) return problem(c, 503, 'too many listen already')
    return c.body(body, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
  })
}

function streamOf(listen: (send: (event: FedEvent) => void) => (() => void) | null): ReadableStream<Uint8Array> | null {
  const text = new TextEncoder()
  const early: string[] = [`retry: ${comeBackMs}\n\n`]
  let write = (chunk: string): void => void early.push(chunk)
  const stop = listen((event) => write(wireOf(event)))
  if (stop === null) return null
  let heartbeat: NodeJS.Timeout | null = null
  const end = (): void => {
    stop()
    if (heartbeat !== null) clearInterval(heartbeat)
    write = () => undefined
  }
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        write = (chunk) => {
          controller.enqueue(text.encode(chunk))
          if ((controller.desiredSize ?? 0) > 0) return
          end()
          controller.close()
        }
        write(early.join(''))
        heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs)
        heartbeat.unref()
      },
      cancel: end,
    },
    new CountQueuingStrategy({ highWaterMark: mostWaiting }),
  )
}

function wireOf({ id, event, data }: FedEvent): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
