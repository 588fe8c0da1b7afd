import { OperationError } from '../doors/operations.ts'
import type { QueueFilter, QueueRow } from '../path/custody/index.ts'
import { type DecisionId, shardOfDecisionId } from '../path/decision/index.ts'
import type { SupervisorChannel } from './child.ts'
import { joinDesks } from './joined-desk.ts'
import { type RelayName, relayNames } from './messages.ts'
import { keeperOf } from './shards.ts'
import type { QueueDesk, ShownMessage } from './queue-desk.ts'

/** Answers control's questions about the queue. Control is ours and of this version: the arguments are what it typed. */
export function answerDeskQuestions(channel: SupervisorChannel, desk: QueueDesk): void {
  channel.answer((verb, args) => {
    const { filter, id, reason, by } = args as DeskArguments
    switch (verb) {
      case 'takesMail':
        return desk.takesMail()
      case 'list':
        return desk.list(filter)
      case 'find':
        return desk.find(id)
      case 'hold':
        return desk.hold(id, reason, by)
      case 'release':
        return desk.release(id, by)
      case 'cancel':
        return desk.cancel(id, by)
      default:
        return Promise.reject(new Error(`the relay knows no ${verb}`))
    }
  })
}

type DeskArguments = {
  readonly filter: QueueFilter
  readonly id: DecisionId
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

function raise(): never {
  throw new OperationError('fault', 'there is no relay')
}

function askDesk(channel: SupervisorChannel, relay: RelayName): QueueDesk {
  const ask = async (verb: string, args: Partial<DeskArguments>): Promise<unknown> => {
    try {
      return await channel.ask(relay, verb, args)
    } catch (error) {
      throw new OperationError('unavailable', `the queue can not be asked now: ${(error as Error).message}`)
    }
  }
  return {
    takesMail: () => ask('takesMail', {}) as Promise<boolean>,
    list: (filter) => ask('list', { filter }) as Promise<readonly QueueRow[]>,
    find: (id) => ask('find', { id }) as Promise<ShownMessage | null>,
    hold: (id, reason, by) => ask('hold', { id, reason, by }) as Promise<boolean>,
    release: (id, by) => ask('release', { id, by }) as Promise<boolean>,
    cancel: (id, by) => ask('cancel', { id, by }) as Promise<boolean>,
  }
}
