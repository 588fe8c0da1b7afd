import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import {
  type AskAnswer,
  type AskBatch,
  type Join,
  type JoinAnswer,
  LeaseBook,
  Lessor,
  type Recall,
  type RecallAnswer,
} from '../rooms/watch/index.ts'
import type { SupervisorChannel } from './child.ts'
import { type ChildName, relayNames, shardOf } from './messages.ts'
import { repeat } from './waiting.ts'

const [joinVerb, askVerb, recallVerb] = ['limits-join', 'limits-ask', 'limits-recall'] as const

const joinAgainAfterMs = 50
const tidyEveryMs = 2_000
/** A relay that has not given back by then keeps what it has, and the message that waits is told that there is no more. */
const recallWithinMs = 300

/** Control's part: the limits of all relays, divided among them. Does nothing where there is one relay. */
export function lendLimits(channel: SupervisorChannel, clock: Clock): void {
  const { workers } = channel.config
  if (workers === 1) return
  const relays = relayNames(workers)
  const lessor = new Lessor({
    holders: workers,
    now: () => clock.now(),
    recall: (holder, recalls) => {
      const relay = relays[holder]
      return relay === undefined
        ? Promise.reject(new Error('there is no such relay'))
        : inTime(channel.ask(relay, recallVerb, recalls) as Promise<RecallAnswer>)
    },
  })
  channel.answerOne(joinVerb, (join, from) => lessor.join(holderOf(from), join as Join))
  channel.answerOne(askVerb, (batch, from) => lessor.ask(holderOf(from), batch as AskBatch))
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = pause(recallWithinMs, null, { signal: over.signal }).then(
    () => Promise.reject(new Error('the relay does not answer')),
    () => answer,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    over.abort()
  }
}

function holderOf(from: ChildName): number {
  return from === 'control' ? 0 : shardOf(from)
}

export type SharedLimitsOptions = {
  readonly usedOf: (key: string) => readonly number[]
  readonly limitsOf: (key: string) => readonly number[] | null
  /** Keys of which something was counted before this process began. */
  readonly counted: () => Iterable<string>
  readonly clock: Clock
  readonly log: Log
}

/** A relay's part. */
export type SharedLimits = { readonly book: LeaseBook; stop(): Promise<void> }

/** Opens the relay's book and makes it known to control, now and whenever control is a new process. */
export function shareLimits(channel: SupervisorChannel, options: SharedLimitsOptions): SharedLimits {
  const { usedOf, limitsOf, counted, clock, log } = options
  const book = new LeaseBook({
    holders: channel.config.workers,
    usedOf,
    limitsOf,
    ask: (batch) => channel.ask('control', askVerb, batch) as Promise<AskAnswer>,
    join: (join) => channel.ask('control', joinVerb, join) as Promise<JoinAnswer>,
    now: () => clock.now(),
  })
  const state = { stopped: false, joining: false, again: false }
  const join = async (): Promise<void> => {
    state.again = true
    if (state.joining) return
    state.joining = true
    while (state.again && !state.stopped) {
      state.again = false
      try {
        await book.join(counted())
      } catch {
        state.again = true
        await pause(joinAgainAfterMs)
      }
    }
    state.joining = false
  }
  channel.answerOne(recallVerb, (recalls) => Promise.resolve(book.recall(recalls as readonly Recall[])))
  channel.onAway((name) => {
    if (name === 'control') void join()
  })
  void join()
  const tidying = repeat(
    tidyEveryMs,
    async () => book.tidy(),
    (error) => log.error('shared limits could not be tidied', { error }),
  )
  return {
    book,
    stop: () => {
      state.stopped = true
      return tidying.stop()
    },
  }
}
