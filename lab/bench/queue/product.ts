import { type GrownProduct, type Prepared, startGrown } from '../growth/grown-product.ts'
import type { Servers } from './servers-client.ts'

/** The product over a filled directory, delivering by MX to the servers of the bench. */
export function startDelivering(prepared: Prepared, servers: Servers): Promise<GrownProduct> {
  return startGrown(prepared, {
    dns: { servers: [servers.dns], timeoutMs: 2000 },
    delivery: { port: servers.port },
  })
}
