import {
  type ApplyAnswer,
  type DomainCheck,
  type DomainDetail,
  type DomainRow,
  type KeyCheck,
  type KeyRow,
  OperationError,
  type OperationErrorKind,
  type Operations,
  type RevokeAnswer,
  type ResolvedDomain,
  type SeenRow,
  type Story,
} from '../operations.ts'
import {
  type ActedOnOne,
  type BulkAnswer,
  type BulkPlan,
  type QueueBody,
  type QueueCounts,
  type QueueDetail,
  type QueuePage,
  type QueueSelection,
  type QueueSummary,
  pagesTogether,
} from '../operations/queue.ts'
import { remoteShaping } from './remote-shaping.ts'
import { remoteCustomers } from './remote-customers.ts'
import { remoteSuppressions } from './remote-suppressions.ts'
import { isLoopback } from '../../standards/names/loopback.ts'
import type { Secret } from '../../standards/secret.ts'

const requestTimeoutMs = 60_000
/** A policy of 100,000 customers takes a minute to read and write on a slow machine. */
const policyTimeoutMs = 600_000

/** The operations of a running server, asked for over HTTP. The server is ours and of this version: answers are taken as typed. */
export function remoteOperations(url: string, token: Secret<string>): Operations {
  mustKeepSecrets(url)
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token.reveal()}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    try {
      const signal = AbortSignal.timeout(path === '/api/v1/policy' ? policyTimeoutMs : requestTimeoutMs)
      return await fetch(new URL(path, url), {
        method,
        headers,
        signal,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
    } catch (error) {
      throw new OperationError('unavailable', `${url} does not answer: ${reasonOf(error)}`)
    }
  }
  const items = async <Row>(path: string, method = 'GET', body?: unknown): Promise<readonly Row[]> => {
    const answer = (await valueOf(await call(method, path, body))) as { readonly items: readonly Row[] }
    return answer.items
  }
  const maybe = async <Value>(path: string): Promise<Value | null> => {
    const response = await call('GET', path)
    return response.status === 404 ? null : ((await valueOf(response)) as Value)
  }
  const get = async <Value>(path: string): Promise<Value> => (await valueOf(await call('GET', path))) as Value
  const post = async <Value>(path: string, body: unknown): Promise<Value> =>
    (await valueOf(await call('POST', path, body))) as Value
  const pageAt = (selection: QueueSelection, { after, limit }: { after: string | null; limit: number }) =>
    get<QueuePage>(`/api/v1/queue${queryOf({ ...selection, cursor: after ?? undefined, limit: String(limit) })}`)
  return {
    applyPolicy: async ({ file, text, dryRun }) => {
      const response = await call('PUT', '/api/v1/policy', { file, text, dryRun })
      if (response.status === 422 || response.status === 409) return refusalIn(await response.json())
      return (await valueOf(response)) as ApplyAnswer
    },
    exportPolicy: async () => {
      const response = await call('GET', '/api/v1/policy')
      if (!response.ok) await valueOf(response)
      return response.text()
    },
    domains: () => items<DomainRow>('/api/v1/domains'),
    domain: (name) => items<DomainDetail>(`/api/v1/domains/${encodeURIComponent(name)}`),
    checkDomains: (names) => items<DomainCheck>('/api/v1/domains/check', 'POST', names === null ? {} : { names }),
    resolveSources: (names) =>
      items<ResolvedDomain>('/api/v1/sources/resolve', 'POST', names === null ? {} : { names }),
    seen: ({ customer }) => items<SeenRow>(`/api/v1/seen${queryOf({ customer: customer ?? undefined })}`),
    keys: () => items<KeyRow>('/api/v1/keys'),
    checkKeys: () => items<KeyCheck>('/api/v1/keys/check', 'POST'),
    rotateKeys: ({ domain, source, dryRun }) => items('/api/v1/keys/rotate', 'POST', { domain, source, dryRun }),
    revokeKey: async ({ by: _by, ...request }) => {
      const response = await call('POST', '/api/v1/keys/revoke', request)
      return response.status === 404 ? null : ((await valueOf(response)) as RevokeAnswer)
    },
    importKeys: ({ keys }) => items('/api/v1/keys/import', 'POST', { keys }),
    keyZone: async ({ domain, form }) => {
      const response = await call('GET', `/api/v1/keys/zone${queryOf({ domain: domain ?? undefined, form })}`)
      if (!response.ok) await valueOf(response)
      return response.text()
    },
    rewrapKeys: () =>
      Promise.reject(
        new OperationError(
          'usage',
          'a server runs, and its signer has the old wrapping key: stop it, then say this again',
        ),
      ),
    ...remoteShaping(call, valueOf),
    ...remoteSuppressions(call, valueOf),
    ...remoteCustomers(call, valueOf),
    queue: (selection) => pagesTogether((place) => pageAt(selection, place)),
    queuePage: pageAt,
    queueSummary: (by, { limit }) =>
      get<QueueSummary>(
        `/api/v1/queue/summary${queryOf({ by, limit: limit === undefined ? undefined : String(limit) })}`,
      ),
    queueCounts: () => get<QueueCounts>('/api/v1/queue/counts'),
    queued: (id) => maybe<QueueDetail>(`/api/v1/queue/${encodeURIComponent(id)}`),
    queuedBody: async ({ id, reason }) => {
      const response = await call('POST', `/api/v1/queue/${encodeURIComponent(id)}/body`, { reason })
      return response.status === 404 ? null : ((await valueOf(response)) as QueueBody)
    },
    actOnMessage: async ({ id, action: { verb, ...body } }): Promise<ActedOnOne> => {
      const response = await call('POST', `/api/v1/queue/${encodeURIComponent(id)}/${verb}`, body)
      if (response.status === 404) return { done: false, why: 'it is not in the queue' }
      if (response.status === 409)
        return { done: false, why: detailOf(await response.json()) ?? 'it changed meanwhile' }
      await valueOf(response)
      return { done: true }
    },
    actOnQueue: ({ selection, action, after }) =>
      post<BulkAnswer>('/api/v1/queue', { filter: selection, action, after }),
    wouldActOnQueue: ({ selection, action }) =>
      post<BulkPlan>('/api/v1/queue', { filter: selection, action, dryRun: true }),
    idsOfMessageId: async (messageId) =>
      (await items<{ readonly id: string }>(`/api/v1/decisions${queryOf({ messageId })}`)).map(({ id }) => id),
    why: (id, { replay }) => maybe<Story>(`/api/v1/decisions/${encodeURIComponent(id)}${replay ? '?replay=true' : ''}`),
  }
}

/** The token goes with every request. Throws `OperationError` for an address that would carry it in clear, or is none. */
function mustKeepSecrets(url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' }
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))) return
  throw new OperationError('usage', 'the address of a server is an https URL; plain http is for this machine only')
}

/** What a problem says of a policy that was not applied, as it is said without a server. */
function refusalIn(body: unknown): ApplyAnswer {
  const { kind, file, problems } = body as { readonly kind: string; readonly file: string; readonly problems: string[] }
  return kind === 'read-only' ? { kind, file } : { kind: 'invalid', problems }
}

async function valueOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => null)
  if (response.ok) return body
  throw new OperationError(kindOf(response.status), detailOf(body) ?? `the server answered ${response.status}`)
}

function kindOf(status: number): OperationErrorKind {
  if (status === 401 || status === 403) return 'not-allowed'
  if (status === 503) return 'unavailable'
  return status >= 500 ? 'fault' : 'usage'
}

/** The `detail` of a problem (RFC 9457 §3.1.4); null where there is none. */
function detailOf(body: unknown): string | null {
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : null
  return typeof detail === 'string' ? detail : null
}

function queryOf(values: { readonly [name: string]: string | undefined }): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}
