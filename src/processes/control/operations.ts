import type { Log } from '../../platform/log.ts'
import type { Ledger } from '../../rooms/ledger/index.ts'
import {
  type PolicyContext,
  type Registry,
  type Suppressions,
  domainEventId,
  isPolicyProblems,
  readPolicyFor,
} from '../../rooms/registry/index.ts'
import type { BulkBook } from '../../rooms/watch/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseDomain } from '../../standards/names/domain.ts'
import type { DomainDetail, Operations } from '../../doors/operations.ts'
import type { QueueDesk } from '../queue-desk.ts'
import type { ShapingDesk } from '../shaping-desk.ts'
import { atMost } from '../waiting.ts'
import { inWords } from './events-in-words.ts'
import { type KeyOperationsOptions, keyOperations } from './key-operations.ts'
import { type KeyKeeper, keysWithinMs } from './keys.ts'
import type { ProofKeeper } from './proofs.ts'
import { queueOperations } from './queue-operations.ts'
import { storyOperations } from './stories.ts'
import { shapingOperations } from './shaping-operations.ts'
import { customerOperations } from './customer-operations.ts'
import { suppressionOperations } from './suppression-operations.ts'
import { type TenantFinder, notesOnTenants } from './tenants.ts'

export type OperationsOptions = {
  readonly registry: Registry
  readonly ledger: Ledger
  readonly desk: QueueDesk
  readonly shaping: ShapingDesk
  readonly keys: KeyKeeper
  readonly keyPlaces: Pick<KeyOperationsOptions, 'wrapping' | 'zone' | 'giveUpAfter' | 'now'>
  readonly proofs: ProofKeeper
  readonly tenants: TenantFinder
  readonly suppressions: Suppressions
  readonly bulk: BulkBook
  readonly context: PolicyContext
  /** The policy file of the configuration, when it is the authority. */
  readonly policyFile: string | null
  /** Takes what waits in the outboxes into the ledger. */
  readonly project: () => Promise<void>
  readonly log: Log
}

/** Joins the rooms into what people can ask for. */
export function openOperations(options: OperationsOptions): Operations {
  const { registry, ledger, project, desk, keys, proofs, context, policyFile, log } = options
  return {
    applyPolicy: async ({ file, text, dryRun, by }) => {
      if (policyFile !== null) return { kind: 'read-only', file: policyFile }
      const policy = await readPolicyFor(registry, { text, file, report: !dryRun }, context)
      if (isPolicyProblems(policy)) return { kind: 'invalid', problems: policy.lines }
      if (dryRun) {
        const plan = await registry.plan(policy)
        const notes = await notesOnTenants(options.tenants, policy, plan)
        return {
          kind: 'planned',
          version: await registry.currentVersion(),
          plan,
          ...(notes.length > 0 ? { notes } : {}),
        }
      }
      const applied = await registry.apply(policy, by)
      // Before the answer, so that who applied a grant finds its keys in the next command.
      const made = keys.makeFirst().catch((error: unknown) => log.error('keys could not be made yet', { error }))
      const [notes] = await Promise.all([
        notesOnTenants(options.tenants, policy, applied.plan),
        atMost(keysWithinMs, made),
      ])
      return { kind: 'applied', ...applied, ...(notes.length > 0 ? { notes } : {}) }
    },
    exportPolicy: () => registry.exportPolicy(),
    domains: () => registry.domains(),
    domain: (name) => domainNamed(registry, ledger, name),
    checkDomains: (names) => proofs.check(names),
    resolveSources: (names) => options.tenants.resolve(names),
    seen: async ({ customer }) => {
      await project()
      return ledger.seen(customer)
    },
    ...keyOperations({ ...options.keyPlaces, registry, keys, log }),
    ...customerOperations({ registry, bulk: options.bulk, now: options.keyPlaces.now }),
    ...suppressionOperations({ registry, suppressions: options.suppressions }),
    ...shapingOperations(options.shaping),
    ...queueOperations({ desk, ledger, now: options.keyPlaces.now }),
    ...storyOperations({ registry, ledger, project }),
  }
}

/** All that is known of a domain, whoever's it is. */
async function domainNamed(registry: Registry, ledger: Ledger, name: string): Promise<readonly DomainDetail[]> {
  const domain = parseDomain(name)
  if (isSyntaxFault(domain)) return []
  const rows = (await registry.domains()).filter((row) => row.domain === domain)
  if (rows.length === 0) return []
  const events = await ledger.find(domainEventId(domain))
  return rows.map((row) => {
    const own = events.filter(({ customer }) => customer === (row.customer ?? 'self'))
    return { ...row, events: own.map(inWords) }
  })
}
