import type { SuppressionAnswer, SuppressionOperations, SuppressionPage } from '../operations/suppressions.ts'

type Call = (method: string, path: string, body?: unknown) => Promise<Response>

/** The suppression lists of a running server. */
export function remoteSuppressions(
  call: Call,
  valueOf: (response: Response) => Promise<unknown>,
): SuppressionOperations {
  const at = (customer: string): string => `/api/v1/customers/${encodeURIComponent(customer)}/suppressions`
  const change = async (path: string, body: unknown): Promise<SuppressionAnswer | null> => {
    const response = await call('POST', path, body)
    if (response.status === 404) return null
    // The body of a problem is the answer with more beside it.
    if (response.status === 422) {
      const { problems } = (await response.json()) as { readonly problems: readonly string[] }
      return { kind: 'invalid', problems }
    }
    return (await valueOf(response)) as SuppressionAnswer
  }
  return {
    suppressions: async ({ customer, after, limit, reason }) => {
      const query = new URLSearchParams({ limit: String(limit) })
      if (after !== null) query.set('after', after)
      if (reason !== null) query.set('reason', reason)
      const response = await call('GET', `${at(customer)}?${query.toString()}`)
      return response.status === 404 ? null : ((await valueOf(response)) as SuppressionPage)
    },
    addSuppressions: ({ customer, entries, dryRun }) => change(at(customer), { entries, dryRun }),
    removeSuppressions: ({ customer, addresses, note, dryRun }) =>
      change(`${at(customer)}/remove`, { addresses, note, dryRun }),
    importSuppressions: ({ customer, text, dryRun }) =>
      change(`${at(customer)}/import${dryRun ? '?dryRun=true' : ''}`, text),
  }
}
