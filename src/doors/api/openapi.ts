import { z } from 'zod'
import { bodyBody, bulkBody, listQuery, summaryQuery, verbBodies } from './queue-shapes.ts'

type Json = { readonly [key: string]: unknown }

/** The document at `/api/v1/openapi.json` (OpenAPI 3.1), made of the shapes by which requests are checked. */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Anechoic', version: '1', description: 'Lists answer { items, next }; problems follow RFC 9457.' },
    servers: [{ url: '/api/v1' }],
    security: [{ bearer: [] }],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: problemSchema },
    },
    paths: { ...queuePaths(), ...storyPaths },
  }
}

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

const problem = {
  description: 'Why not, and which field is at fault.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const idParameter = { name: 'id', in: 'path', required: true, schema: { type: 'string' } }

function queuePaths(): Json {
  const verbs = Object.entries(verbBodies).map(([verb, shape]) => [
    `/queue/{id}/${verb}`,
    {
      post: {
        summary: verbWords[verb as keyof typeof verbBodies],
        parameters: [idParameter],
        requestBody: bodyOf(shape, verb === 'hold' || verb === 'reroute' || verb === 'bounce'),
        responses: { 200: done('{ done: true }'), 400: problem, 404: problem, 409: problem },
      },
    },
  ])
  return {
    '/queue': {
      get: {
        summary: 'Messages in custody, in the order of arrival.',
        parameters: parametersOf(listQuery),
        responses: { 200: done('{ items, next }: next is the cursor of the next page'), 400: problem },
      },
      post: {
        summary:
          'Does something to the next 200 messages that the filter names; with dryRun only tells how many it would change and the first ids. Ask again with after: next until that is null.',
        requestBody: bodyOf(bulkBody, true),
        responses: {
          200: done('{ done, skipped: [{ id, why }], next }, or { verb, would, selected, ids }'),
          400: problem,
        },
      },
    },
    '/queue/counts': {
      get: { summary: 'How many are queued, on their way, held and damaged.', responses: { 200: done('the counts') } },
    },
    '/queue/summary': {
      get: {
        summary: 'The queue in groups, the largest first.',
        parameters: parametersOf(summaryQuery),
        responses: { 200: done('{ by, items, groups, next }'), 400: problem },
      },
    },
    '/queue/{id}': {
      get: {
        summary: 'Envelope, decision, attempts with what was said, header section.',
        parameters: [idParameter],
        responses: { 200: done('the message'), 404: problem },
      },
    },
    '/queue/{id}/body': {
      post: {
        summary: 'The first megabyte of the body, for administrators and for a reason, which is written down.',
        parameters: [idParameter],
        requestBody: bodyOf(bodyBody, true),
        responses: { 200: done('{ base64, octets, whole }'), 400: problem, 403: problem, 404: problem },
      },
    },
    ...Object.fromEntries(verbs),
  }
}

const verbWords: { readonly [verb in keyof typeof verbBodies]: string } = {
  retry: 'Makes a queued message due now.',
  release: 'Lets a held message go; it is judged again first.',
  cancel: 'Gives a message up and tells its sender.',
  hold: 'Keeps a message from being delivered, for a reason, by or for somebody, for a time, and says what happens then.',
  reroute: 'Sends a message to another host from now on, or (null) the usual way again.',
  bounce: 'Gives a message up now, and tells its sender why.',
}

const storyPaths: Json = {
  '/decisions': {
    get: {
      summary: 'Ids of decisions about messages of a Message-ID.',
      parameters: [{ name: 'messageId', in: 'query', required: true, schema: { type: 'string' } }],
      responses: { 200: done('{ items: [{ id }], next }'), 400: problem },
    },
  },
  '/decisions/{id}': {
    get: {
      summary: 'Why a message was taken or refused, and all that became of it.',
      parameters: [idParameter, { name: 'replay', in: 'query', schema: { type: 'boolean' } }],
      responses: { 200: done('the story'), 404: problem },
    },
  },
  '/events': {
    get: {
      summary: 'Server-sent events: message, counts, reset. Last-Event-ID goes on where one was.',
      parameters: [
        { name: 'customer', in: 'query', schema: { type: 'string' } },
        { name: 'Last-Event-ID', in: 'header', schema: { type: 'string' } },
      ],
      responses: { 200: { description: 'the stream', content: { 'text/event-stream': {} } }, 503: problem },
    },
  },
}

function done(description: string): Json {
  return { description, content: { 'application/json': {} } }
}

function bodyOf(shape: z.ZodType, required: boolean): Json {
  return { required, content: { 'application/json': { schema: z.toJSONSchema(shape, { io: 'input' }) } } }
}

function parametersOf(shape: z.ZodObject): readonly Json[] {
  return Object.entries(shape.shape).map(([name, one]) => ({
    name,
    in: 'query',
    schema: z.toJSONSchema(one as z.ZodType, { io: 'input' }),
  }))
}
