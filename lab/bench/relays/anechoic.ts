import { createSmallWorld } from '../../drills/small-world.ts'
import type { Candidate } from './contender.ts'

/** The product as a user runs it: gate and ledger on, a policy with one customer, keys seen in DNS. */
export const anechoic: Candidate = {
  name: 'anechoic',
  missing: null,
  start: async (sinkPort) => {
    const world = await createSmallWorld({ deliverToPort: sinkPort, source: '127.0.0.1' })
    return {
      name: 'anechoic',
      smtpPort: world.smtpPort,
      roots: [{ pid: world.product().pid, name: 'supervisor' }],
      stop: () => world.close(),
    }
  },
}
