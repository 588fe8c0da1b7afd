import { setTimeout as pause } from 'node:timers/promises'
import { OperationError } from '../../src/doors/operations.ts'
import type { Product } from '../world/product.ts'
import type { Load } from './load.ts'
import type { Receiver } from './receiver.ts'

/** What became of the messages of a drill. Accepted are as many as delivered, queued and lost together. */
export type Tally = {
  readonly accepted: number
  readonly delivered: number
  /** Still in the queue, in whatever state. */
  readonly queued: number
  readonly lost: number
  /** Copies beyond the first. */
  readonly duplicated: number
  /** Answers other than 250. */
  readonly refused: number
}

export type Stock = {
  readonly tally: Tally
  /** What must never be, in words. */
  readonly faults: readonly string[]
  /** Messages that were stored although the 250 never reached the client. */
  readonly storedUnheard: number
}

/** So many stories are asked for at the end: each accepted id must be known. */
const storiesAsked = 100
const serverBackWithinMs = 60_000

/**
 * Counts, once the load has stopped: waits at most `withinMs` until everything accepted is delivered or known to stay in the queue,
 * then compares what the relay promised with what the receiver has and with the queue.
 */
export async function takeStock(
  load: Load,
  receiver: Receiver,
  product: Product,
  options: { readonly withinMs: number; readonly staysQueued?: number },
): Promise<Stock> {
  const { withinMs, staysQueued = 0 } = options
  const missing = (): readonly string[] => [...load.accepted.keys()].filter((one) => !receiver.copies.has(one))
  const deadline = performance.now() + withinMs
  while (missing().length > staysQueued && performance.now() < deadline) await pause(50)
  const inQueue = new Set<string>()
  for (const item of await queueOf(product)) for (const { address } of item.recipients) inQueue.add(address)
  const left = missing()
  const queued = left.filter((one) => inQueue.has(one)).length
  const copies = [...receiver.copies.values()]
  const tally = {
    accepted: load.accepted.size,
    delivered: load.accepted.size - left.length,
    queued,
    lost: left.length - queued,
    duplicated: copies.reduce((sum, all) => sum + all.length - 1, 0),
    refused: [...load.refused.values()].reduce((sum, count) => sum + count, 0),
  }
  return {
    tally,
    faults: [...faultsOf(tally, staysQueued, load, receiver), ...(await untold(load, product))],
    storedUnheard: [...load.unanswered].filter((one) => receiver.copies.has(one) || inQueue.has(one)).length,
  }
}

/** The server may be the one that was killed last, and on its way back. */
async function queueOf(product: Product): Promise<Awaited<ReturnType<Product['operations']['queue']>>> {
  const deadline = performance.now() + serverBackWithinMs
  for (;;) {
    try {
      return await product.operations.queue({})
    } catch (error) {
      if (!(error instanceof OperationError) || performance.now() > deadline) throw error
      await pause(100)
    }
  }
}

function faultsOf(tally: Tally, staysQueued: number, load: Load, receiver: Receiver): readonly string[] {
  const faults: string[] = []
  if (tally.accepted === 0) faults.push('nothing was accepted')
  if (tally.lost > 0) faults.push(`${tally.lost} accepted messages are lost`)
  if (tally.queued !== staysQueued) faults.push(`${tally.queued} messages are still queued, not ${staysQueued}`)
  if (receiver.unsigned > 0) faults.push(`${receiver.unsigned} messages came unsigned`)
  if (receiver.mangled > 0) faults.push(`${receiver.mangled} messages came changed`)
  // What was sent whole and never answered may rightly come: the relay had it when it died.
  const strange = [...receiver.copies.keys()].filter(
    (one) => !load.accepted.has(one) && !load.unanswered.has(one) && !load.unsure.has(one),
  )
  if (strange.length > 0) faults.push(`${strange.length} messages came that nobody had sent whole`)
  return faults
}

/** The decision id of a 250 must tell its story, whatever died meanwhile (contract section 4). */
async function untold(load: Load, product: Product): Promise<readonly string[]> {
  const ids = [...load.accepted.values()]
  if (new Set(ids).size < ids.length) return ['a decision id was given twice']
  const step = Math.max(1, Math.floor(ids.length / storiesAsked))
  for (let at = 0; at < ids.length; at += step) {
    const id = ids[at] ?? ''
    const story = await product.operations.why(id, { replay: false })
    if (story === null || story.verdict !== 'relay') return [`the ledger does not know that ${id} was accepted`]
  }
  return []
}
