import { setTimeout as pause } from 'node:timers/promises'
import { type DecisionId, type DecisionRecord, explain, parseDecisionId, replay } from '../../path/decision/index.ts'
import { recallEvidence } from '../../path/evidence/index.ts'
import type { Log } from '../../platform/log.ts'
import type { Ledger, StoredEvent } from '../../rooms/ledger/index.ts'
import {
  type PolicyContext,
  type Registry,
  type Snapshot,
  type Suppressions,
  domainEventId,
  isPolicyProblems,
  readPolicyFor,
} from '../../rooms/registry/index.ts'
import type { BulkBook } from '../../rooms/watch/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { parseDomain } from '../../standards/names/domain.ts'
import type { DomainDetail, Operations, Story } from '../../doors/operations.ts'
import type { QueueDesk } from '../queue-desk.ts'
import type { ShapingDesk } from '../shaping-desk.ts'
import { atMost } from '../waiting.ts'
import { inWords } from './events-in-words.ts'
import { feedbackStory } from './feedback-story.ts'
import { type KeyOperationsOptions, keyOperations } from './key-operations.ts'
import { type KeyKeeper, keysWithinMs } from './keys.ts'
import type { ProofKeeper } from './proofs.ts'
import { queueOperations } from './queue-operations.ts'
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

/** A refusal's reply does not wait for its record, so a question that follows it at once may come first: asked again for this long, in milliseconds. */
const recordsMayBeLateBy = 1000

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
    why: async (id, { replay: judgeAgain }) => {
      const parsed = parseDecisionId(id)
      if (isSyntaxFault(parsed)) return null
      const events = await eventsOf(ledger, parsed)
      return events.length === 0 ? null : storyOf(registry, parsed, events, judgeAgain)
    },
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

async function eventsOf(ledger: Ledger, id: DecisionId): Promise<readonly StoredEvent[]> {
  const deadline = performance.now() + recordsMayBeLateBy
  for (;;) {
    const events = await ledger.find(id)
    if (events.length > 0 || performance.now() >= deadline) return events
    await pause(50)
  }
}

async function storyOf(
  registry: Registry,
  id: DecisionId,
  events: readonly StoredEvent[],
  judgeAgain: boolean,
): Promise<Story | null> {
  const decision = events.find((event) => event.kind === 'decision')
  if (decision === undefined) return feedbackStory(id, events)
  // The ledger holds what `recordOf()` wrote; its shape is this version's own.
  const record = decision.detail as unknown as DecisionRecord
  const policy = !judgeAgain || record.policyVersion === 0 ? null : await registry.snapshotAt(record.policyVersion)
  const again = judgeAgain ? await judgedAgain(id, record, policy) : null
  return {
    id,
    verdict: record.verdict,
    rule: record.rule,
    reply: record.reply,
    words: explain(id, record),
    events: events.filter((event) => event.kind !== 'decision').map(inWords),
    facts: record,
    replay: again,
  }
}

/** Evidence read back is sealed anew by the room that made it; a record that does not hold together is told as not the same. */
async function judgedAgain(id: DecisionId, record: DecisionRecord, policy: Snapshot | null): Promise<Story['replay']> {
  const evidence = await recallEvidence(record.evidence)
  if (isSyntaxFault(evidence)) return { verdict: 'none', rule: evidence.reason, same: false }
  const { verdict, rule, same } = replay(id, { ...record, evidence }, policy)
  return { verdict: verdict ?? 'none', rule: rule ?? 'none', same }
}
