import type { ShapingAction, ShapingOperations } from '../../doors/operations/shaping.ts'
import type { ShapingNotice } from '../../path/delivery/index.ts'
import type { ShapingDesk } from '../shaping-desk.ts'

/** Shaping as the doors show it. */
export function shapingOperations(desk: ShapingDesk): ShapingOperations {
  return {
    shapingActions: async () => (await desk.list()).map(actionOf),
    clearShaping: (id, by) => desk.clear(id, by),
    explainShaping: async (domain) => {
      const { inForce, ...rest } = await desk.explain(domain)
      return { ...rest, inForce: inForce.map(actionOf) }
    },
  }
}

function actionOf({ id, kind, site, scope, factor, from, until, because, by }: ShapingNotice): ShapingAction {
  const { class: about, reply, replies, message, domain } = because
  const [begun, ends] = [from, until].map((at) => new Date(at).toISOString()) as [string, string]
  return {
    id,
    kind,
    site,
    scope,
    factor,
    from: begun,
    until: ends,
    class: about,
    reply,
    replies,
    message,
    domain,
    rule: by,
  }
}
