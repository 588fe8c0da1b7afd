import type { Readiness } from '../doors/api/app.ts'
import { OperationError } from '../doors/operations.ts'
import type { QueueFilter, QueueGrouping } from '../path/custody/index.ts'
import { type DecisionId, shardOfDecisionId } from '../path/decision/index.ts'
import type { SupervisorChannel } from './child.ts'
import { joinDesks } from './joined-desk.ts'
import { type RelayName, relayNames } from './messages.ts'
import { keeperOf } from './shards.ts'
import type { DeskAction, QueueDesk } from './queue-desk.ts'

/** Answers control's questions about the queue. Control is ours and of this version: the arguments are what it typed. */
export function answerDeskQuestions(channel: SupervisorChannel, desk: QueueDesk): void {
  channel.answer((verb, args) => {
    const { filter, after, limit, by, id, ids, action, grouping, reason } = args as DeskArguments
    switch (verb) {
      case 'takesMail':
        return desk.takesMail()
      case 'list':
        return desk.list(filter, after, limit)
      case 'count':
        return desk.count(filter)
      case 'summary':
        return desk.summary(grouping)
      case 'counts':
        return desk.counts()
      case 'find':
        return desk.find(id)
      case 'act':
        return desk.act(action, ids, by)
      case 'body':
        return desk.body(id, reason, by)
      default:
        return Promise.reject(new Error(`the relay knows no ${verb}`))
    }
  })
}

type DeskArguments = {
  readonly filter: QueueFilter
  readonly after: DecisionId | null
  readonly limit: number
  readonly grouping: QueueGrouping
  readonly action: DeskAction
  readonly id: DecisionId
  readonly ids: readonly DecisionId[]
  readonly reason: string
  readonly by: string
}

/** The queue of all relays as control sees it, across the supervisor. */
export function askDesks(channel: SupervisorChannel): QueueDesk {
  const { workers } = channel.config
  const desks = relayNames(workers).map((name) => askDesk(channel, name))
  return joinDesks({
    all: () => desks,
    of: (id) => desks[keeperOf(shardOfDecisionId(id), workers)] ?? raise(),
  })
}

/** Mail can be taken while one relay takes it: what comes to the others meanwhile waits for them. */
export async function askReadiness(channel: SupervisorChannel): Promise<Readiness> {
  const workers = await Promise.all(
    relayNames(channel.config.workers).map(async (name) => ({
      name,
      takesMail: await askDesk(channel, name)
        .takesMail()
        .catch(() => false),
    })),
  )
  return { ready: workers.some(({ takesMail }) => takesMail), workers }
}

function raise(): never {
  throw new OperationError('fault', 'there is no relay')
}

function askDesk(channel: SupervisorChannel, relay: RelayName): QueueDesk {
  const ask = async <Verb extends keyof QueueDesk>(
    verb: Verb,
    args: Partial<DeskArguments>,
  ): Promise<Awaited<ReturnType<QueueDesk[Verb]>>> => {
    try {
      return (await channel.ask(relay, verb, args)) as Awaited<ReturnType<QueueDesk[Verb]>>
    } catch (error) {
      throw new OperationError('unavailable', `the queue can not be asked now: ${(error as Error).message}`)
    }
  }
  return {
    takesMail: () => ask('takesMail', {}),
    list: (filter, after, limit) => ask('list', { filter, after, limit }),
    count: (filter) => ask('count', { filter }),
    summary: (grouping) => ask('summary', { grouping }),
    counts: () => ask('counts', {}),
    find: (id) => ask('find', { id }),
    act: (action, ids, by) => ask('act', { action, ids, by }),
    body: (id, reason, by) => ask('body', { id, reason, by }),
  }
}
