import type { CustomerDetail, CustomerOperations, CustomerPage } from '../operations/customers.ts'

/** The customers of a running server. */
export function remoteCustomers(
  call: (method: string, path: string) => Promise<Response>,
  valueOf: (response: Response) => Promise<unknown>,
): CustomerOperations {
  return {
    customers: async ({ after, limit }) => {
      const query = new URLSearchParams({ limit: String(limit), ...(after === null ? {} : { after }) })
      return (await valueOf(await call('GET', `/api/v1/customers?${query.toString()}`))) as CustomerPage
    },
    customer: async (id) => {
      const response = await call('GET', `/api/v1/customers/${encodeURIComponent(id)}`)
      return response.status === 404 ? null : ((await valueOf(response)) as CustomerDetail)
    },
  }
}
