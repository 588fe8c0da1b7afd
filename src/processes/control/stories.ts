import { setTimeout as pause } from 'node:timers/promises'
import type { Operations, Story, StoryEvent } from '../../doors/operations.ts'
import { type DecisionId, type DecisionRecord, explain, parseDecisionId, replay } from '../../path/decision/index.ts'
import { recallEvidence } from '../../path/evidence/index.ts'
import type { Ledger, StoredEvent } from '../../rooms/ledger/index.ts'
import type { Registry, Snapshot } from '../../rooms/registry/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { inWords } from './events-in-words.ts'
import { feedbackStory } from './feedback-story.ts'

/** A refusal's reply does not wait for its record, so a question that follows it at once may come first: asked again for this long, in milliseconds. */
const recordsMayBeLateBy = 1000

/** Decisions that one Message-ID names in an answer. */
const mostNamed = 50

type Options = { readonly registry: Registry; readonly ledger: Ledger; readonly project: () => Promise<void> }

/** The lives of messages, told from the ledger. */
export function storyOperations({ registry, ledger, project }: Options): Pick<Operations, 'why' | 'idsOfMessageId'> {
  return {
    why: async (id, { replay: judgeAgain }) => {
      const parsed = parseDecisionId(id)
      if (isSyntaxFault(parsed)) return null
      const events = await eventsOf(ledger, parsed)
      return events.length === 0 ? null : storyOf(registry, ledger, parsed, events, judgeAgain)
    },
    idsOfMessageId: async (messageId) => {
      await project()
      return ledger.named(messageId, mostNamed)
    },
  }
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
  ledger: Ledger,
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
    events: [...storedIn(record), ...(await told(ledger, events))],
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

/** Custody has it from the moment of the decision on: the reply waits for the disk. */
function storedIn({ verdict, now, evidence }: DecisionRecord): readonly StoryEvent[] {
  if (verdict !== 'relay' && verdict !== 'hold') return []
  const { recipients } = evidence.envelope
  const size = evidence.message === null ? '' : `${evidence.message.size} octets `
  const words = `${size}for ${recipients.length} recipient${recipients.length === 1 ? '' : 's'} taken into custody, on disk before the reply left`
  return [{ at: new Date(now).toISOString(), kind: 'stored', words }]
}

/** What happened, and below each report of ours what became of it. */
async function told(ledger: Ledger, events: readonly StoredEvent[]): Promise<readonly StoryEvent[]> {
  const lines: StoryEvent[] = []
  for (const event of events) {
    if (event.kind === 'decision') continue
    const words = inWords(event)
    const { report } = event.detail
    const outcome = event.kind === 'dsn' && typeof report === 'string' ? await outcomeOf(ledger, report) : []
    lines.push(outcome.length === 0 ? words : { ...words, lines: [...(words.lines ?? []), ...outcome] })
  }
  return lines
}

async function outcomeOf(ledger: Ledger, report: string): Promise<readonly string[]> {
  const last = (await ledger.find(report)).findLast(({ kind }) => ends.has(kind))
  if (last === undefined) return [`the report ${report} is on its way`]
  const { at, kind, words } = inWords(last)
  return [`the report ${report}: ${at} ${kind} ${words}`]
}

const ends: ReadonlySet<string> = new Set([
  'delivered',
  'deferred',
  'failed',
  'held',
  'cancelled',
  'expired',
  'bounced',
  'discarded',
])
