import type { ShapingAction, ShapingExplanation, ShapingOperations } from '../operations/shaping.ts'

/** How receivers are treated by a running server. */
export function remoteShaping(
  call: (method: string, path: string, body?: unknown) => Promise<Response>,
  valueOf: (response: Response) => Promise<unknown>,
): ShapingOperations {
  return {
    shapingActions: async () => {
      const { items } = (await valueOf(await call('GET', '/api/v1/shaping'))) as { readonly items: ShapingAction[] }
      return items
    },
    clearShaping: async (id) => {
      const response = await call('POST', `/api/v1/shaping/${encodeURIComponent(id)}/clear`)
      if (response.status === 404) return false
      await valueOf(response)
      return true
    },
    explainShaping: async (domain) => {
      const query = new URLSearchParams({ domain })
      return (await valueOf(await call('GET', `/api/v1/shaping/explain?${query.toString()}`))) as ShapingExplanation
    },
  }
}
