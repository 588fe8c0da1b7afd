import { DotStuffer } from '../../../standards/smtp/dot-stuffing.ts'
import type { Timeouts } from '../settings.ts'
import { type RecipientResult, isPositive, outcomeOf } from './outcome.ts'
import type { Outgoing } from './outgoing.ts'
import type { ClientSession } from './session.ts'
import { ConnectionTrouble, SourceTrouble } from './trouble.ts'

/** What became of the message, and whether the session can take another. */
export type Ending = { readonly outcome: Omit<RecipientResult, 'index'>; readonly reusable: boolean }

/** The message, its final dot, and the one reply that takes the responsibility (RFC 5321 §4.1.1.4, §6.1). */
export async function sendData(session: ClientSession, message: Outgoing, timeouts: Timeouts): Promise<Ending> {
  const { wire } = session
  try {
    await pourMessage(session, message, timeouts)
    wire.dialogue.note(`the message, ${message.size} octets`)
  } catch (error) {
    if (error instanceof ConnectionTrouble) return brokenOff(session, error, false)
    throw error
  }
  try {
    const reply = await wire.reply(timeouts.end)
    return { outcome: outcomeOf(reply, isPositive(reply)), reusable: reply.code !== 421 && !wire.isBroken }
  } catch (error) {
    if (error instanceof ConnectionTrouble) return brokenOff(session, error, true)
    throw error
  }
}

async function pourMessage(session: ClientSession, message: Outgoing, timeouts: Timeouts): Promise<void> {
  const { wire } = session
  const stuffer = new DotStuffer()
  wire.cork()
  try {
    await pourChunk(session, stuffer, message.header, timeouts)
    const body = message.body()
    if (Symbol.iterator in body) {
      for (const chunk of body) await pourChunk(session, stuffer, chunk, timeouts)
    } else {
      for await (const chunk of chunksOf(body)) await pourChunk(session, stuffer, chunk, timeouts)
    }
    wire.send(discipline(session, () => stuffer.end()))
  } catch (error) {
    if (error instanceof SourceTrouble) wire.fail('aborted', 'our own message could not be sent whole')
    throw error
  } finally {
    wire.uncork()
  }
}

function pourChunk(
  session: ClientSession,
  stuffer: DotStuffer,
  chunk: Buffer,
  timeouts: Timeouts,
): Promise<void> | null {
  const { wire } = session
  const waiting = wire.pour(
    discipline(session, () => stuffer.push(chunk)),
    timeouts.block,
  )
  if (waiting === null) return null
  wire.uncork()
  return waiting
}

function discipline<T>(session: ClientSession, stuff: () => T): T {
  try {
    return stuff()
  } catch (error) {
    session.wire.fail('aborted', 'our own message breaks the line discipline')
    throw new SourceTrouble('line-endings', 'the stored message breaks the line discipline', error)
  }
}

async function* chunksOf(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (error) {
    throw new SourceTrouble('unreadable', 'the stored body could not be read', error)
  }
}

/**
 * The connection ended before the final reply. Where the whole message was out, the server may have taken it: it is sent again all the
 * same, since a second copy is better than none (RFC 5321 §4.5.4.1, §6.1).
 */
async function brokenOff(session: ClientSession, trouble: ConnectionTrouble, complete: boolean): Promise<Ending> {
  // A server that refuses while we still write has said why before it closed.
  const said = session.wire.isNoisy ? await session.wire.reply(0).catch(() => null) : null
  if (said !== null && !isPositive(said)) return { outcome: outcomeOf(said, false), reusable: false }
  const words = complete
    ? `${trouble.message}, after the whole message was sent: it may arrive twice`
    : `${trouble.message}, while the message was being sent`
  return { outcome: { kind: 'retry', status: '4.4.2', reply: words, fromRemote: false }, reusable: false }
}
