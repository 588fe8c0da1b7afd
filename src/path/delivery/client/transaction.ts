import type { Reply } from '../../../standards/smtp/reply.ts'
import type { Timeouts } from '../settings.ts'
import { sendData } from './data.ts'
import { type RecipientResult, asRefusal, isPositive, outcomeOf } from './outcome.ts'
import { type Outgoing, type OutgoingRecipient, isAscii, mailCommand, rcptCommand } from './outgoing.ts'
import type { ClientSession } from './session.ts'
import { ConnectionTrouble } from './trouble.ts'

export type TransactionResult = {
  readonly results: readonly RecipientResult[]
  /** Recipients that the server would not take beside the others, though it took the message: they may follow at once (RFC 5321 §4.5.3.1.10). */
  readonly overflow: readonly OutgoingRecipient[]
  /** Those that the server had nothing against when it closed over another of them, whose result is the last. */
  readonly partedFrom: readonly OutgoingRecipient[]
  /** Set when the server answered nothing about recipients, so that another server may be tried for all of them. */
  readonly tryElsewhere: boolean
  /** Whether the session can take another transaction. */
  readonly reusable: boolean
}

type Answered = { readonly recipient: OutgoingRecipient; readonly reply: Reply }

/**
 * One mail transaction (RFC 5321 §3.3) for recipients of one destination. Throws `ConnectionTrouble` only while the server has
 * answered for no recipient and no message was sent; `SourceTrouble` when our own side fails, and then the connection is ended
 * without the final dot, so that the server drops what it has.
 */
export async function sendMail(
  session: ClientSession,
  message: Outgoing,
  wanted: readonly OutgoingRecipient[],
  timeouts: Timeouts,
): Promise<TransactionResult> {
  session.transactions++
  session.wire.dialogue.begin()
  const result = await transact(session, message, wanted, timeouts)
  return { ...result, results: withDialogue(session, result.results) }
}

/** What went well needs no more than a line. */
function withDialogue({ wire }: ClientSession, results: readonly RecipientResult[]): readonly RecipientResult[] {
  const isFine = results.every((one) => one.kind === 'delivered')
  const brief = results.length === 0 ? '' : wire.dialogue.brief()
  const whole = isFine ? '' : wire.dialogue.text()
  return results.map((one) => ({ ...one, dialogue: one.kind === 'delivered' ? brief : whole }))
}

async function transact(
  session: ClientSession,
  message: Outgoing,
  wanted: readonly OutgoingRecipient[],
  timeouts: Timeouts,
): Promise<TransactionResult> {
  const { takable, results: refusedByUs } = fitting(session, message, wanted)
  if (takable.length === 0)
    return { results: refusedByUs, overflow: [], partedFrom: [], tryElsewhere: false, reusable: true }
  const opened = await openTransaction(session, message, takable, timeouts)
  if (opened.kind === 'refused') {
    const results = takable.map((one) => resultOf(one, opened.reply))
    const tryElsewhere = results.every((one) => one.kind === 'retry')
    return {
      results: [...refusedByUs, ...results],
      overflow: [],
      partedFrom: [],
      tryElsewhere,
      reusable: opened.reusable,
    }
  }
  const { accepted, refused, go } = opened
  const rejected = refused.map(({ recipient, reply }) => resultOf(recipient, reply))
  if (go === null) {
    const results = [...refusedByUs, ...rejected]
    return { results, overflow: [], partedFrom: opened.parted, tryElsewhere: false, reusable: opened.reusable }
  }
  const ending = await sendData(session, message, timeouts)
  const sent = accepted.map((recipient) => ({ index: recipient.index, ...ending.outcome }))
  const overflow =
    ending.outcome.kind === 'delivered'
      ? refused.filter(({ reply }) => isTooMany(reply)).map((one) => one.recipient)
      : []
  const left = new Set(overflow.map((one) => one.index))
  const results = [...refusedByUs, ...rejected.filter((one) => !left.has(one.index)), ...sent]
  return { results, overflow, partedFrom: [], tryElsewhere: false, reusable: ending.reusable }
}

/** Puts aside what this server can't take at all: too big for it (RFC 1870 §6.1), or UTF-8 that it does not speak (RFC 6531 §3.2). */
function fitting(session: ClientSession, message: Outgoing, wanted: readonly OutgoingRecipient[]) {
  const { size, smtputf8 } = session.capabilities
  const results: RecipientResult[] = []
  const takable: OutgoingRecipient[] = []
  for (const recipient of wanted) {
    if (typeof size === 'number' && message.size > size) {
      results.push(
        ourRefusal(recipient, '5.3.4', `the message has ${message.size} octets and the server takes at most ${size}`),
      )
    } else if (!smtputf8 && (message.needsUtf8 || !isAscii(recipient.mailbox.localPart))) {
      results.push(ourRefusal(recipient, '5.6.7', 'the message needs SMTPUTF8, which the server does not offer'))
    } else {
      takable.push(recipient)
    }
  }
  return { takable, results }
}

function ourRefusal(recipient: OutgoingRecipient, status: string, reply: string): RecipientResult {
  return { index: recipient.index, kind: 'failed', status, reply: `${status} ${reply}`, fromRemote: false }
}

type Opened =
  | { readonly kind: 'refused'; readonly reply: Reply; readonly reusable: boolean }
  | {
      readonly kind: 'answered'
      readonly accepted: readonly OutgoingRecipient[]
      readonly refused: readonly Answered[]
      /** Who was left when the server closed over the last of those refused. */
      readonly parted: readonly OutgoingRecipient[]
      /** 354 with somebody to send to, or null. */
      readonly go: Reply | null
      readonly reusable: boolean
    }

/** MAIL, RCPT and DATA: in one write where the server allows it (RFC 2920), else one by one. */
async function openTransaction(
  session: ClientSession,
  message: Outgoing,
  recipients: readonly OutgoingRecipient[],
  timeouts: Timeouts,
): Promise<Opened> {
  const { wire, capabilities } = session
  const mail = mailCommand(capabilities, message, recipients)
  const pipelined = capabilities.pipelining
  const rcpts = recipients.map((one) => rcptCommand(one, capabilities.dsn))
  wire.send(pipelined ? `${mail}${rcpts.join('')}DATA\r\n` : mail)
  const mailReply = await wire.reply(timeouts.mail)
  if (!isPositive(mailReply)) {
    // The replies to what was pipelined behind it are still to come, so the session is not worth keeping.
    return { kind: 'refused', reply: mailReply, reusable: !pipelined && mailReply.code !== 421 }
  }
  const accepted: OutgoingRecipient[] = []
  const refused: Answered[] = []
  for (const [at, recipient] of recipients.entries()) {
    if (!pipelined) wire.send(rcpts[at] ?? '')
    const reply = await answerFor(session, refused.length + accepted.length > 0, () => wire.reply(timeouts.rcpt))
    if (isPositive(reply)) accepted.push(recipient)
    else refused.push({ recipient, reply })
    if (reply.code === 421) return closing(session, recipients, accepted, refused, reply)
  }
  if (!pipelined && accepted.length === 0) {
    return { kind: 'answered', accepted, refused, parted: [], go: null, reusable: await reset(session, timeouts) }
  }
  if (!pipelined) wire.send('DATA\r\n')
  return answerToData(session, accepted, refused, timeouts)
}

async function answerToData(
  session: ClientSession,
  accepted: readonly OutgoingRecipient[],
  refused: readonly Answered[],
  timeouts: Timeouts,
): Promise<Opened> {
  const { wire } = session
  const reply = await answerFor(session, true, () => wire.reply(timeouts.data))
  if (reply.code !== 354) {
    const all = [...refused, ...accepted.map((recipient) => ({ recipient, reply: asRefusal(reply) }))]
    const reusable = reply.code !== 421 && (await reset(session, timeouts))
    return { kind: 'answered', accepted: [], refused: all, parted: [], go: null, reusable }
  }
  if (accepted.length > 0) return { kind: 'answered', accepted, refused, parted: [], go: reply, reusable: true }
  // RFC 2920 §3.1: a server that takes DATA for nobody gets an empty message; its answer is of no interest.
  wire.send('.\r\n')
  const ended = await wire.reply(timeouts.end).catch(() => null)
  return {
    kind: 'answered',
    accepted,
    refused,
    parted: [],
    go: null,
    reusable: ended !== null && ended.code !== 421 && !wire.isBroken,
  }
}

/**
 * 421 in the middle: nobody is taken, whoever was answered for already (RFC 5321 §3.8). What the server says to one recipient may be about that
 * one alone, as where a mailbox is busy, so the others are parted from it; where it left without a word they share its fate.
 */
function closing(
  session: ClientSession,
  recipients: readonly OutgoingRecipient[],
  accepted: readonly OutgoingRecipient[],
  refused: readonly Answered[],
  reply: Reply,
): Opened {
  const spoke = !session.wire.isBroken
  session.wire.fail('closed', 'the server is closing')
  const answered = new Set([...accepted, ...refused.map((one) => one.recipient)].map((one) => one.index))
  const undone = [...accepted, ...recipients.filter((one) => !answered.has(one.index))]
  const shared = { kind: 'answered', accepted: [], go: null, reusable: false } as const
  if (spoke && refused.at(-1)?.reply === reply) return { ...shared, refused, parted: undone }
  return { ...shared, refused: [...refused, ...undone.map((recipient) => ({ recipient, reply }))], parted: [] }
}

/** Once a server has spoken about recipients, its silence is a 421 about the rest: what it said of the others stands. */
async function answerFor(session: ClientSession, spoke: boolean, ask: () => Promise<Reply>): Promise<Reply> {
  try {
    return await ask()
  } catch (error) {
    if (!spoke || !(error instanceof ConnectionTrouble)) throw error
    session.wire.fail(error.kind, error.message)
    return { code: 421, enhanced: '4.4.2', lines: [error.message] }
  }
}

async function reset(session: ClientSession, timeouts: Timeouts): Promise<boolean> {
  if (session.wire.isBroken) return false
  try {
    session.wire.send('RSET\r\n')
    return (await session.wire.reply(timeouts.mail)).code === 250
  } catch (error) {
    if (error instanceof ConnectionTrouble) return false
    throw error
  }
}

function resultOf(recipient: OutgoingRecipient, reply: Reply): RecipientResult {
  return { index: recipient.index, ...outcomeOf(asRefusal(reply), false) }
}

/** RFC 5321 §4.5.3.1.10 counts 552 to RCPT as 452. */
function isTooMany(reply: Reply): boolean {
  return (
    reply.code === 452 ||
    (reply.code === 552 && reply.enhanced === null) ||
    reply.enhanced === '4.5.3' ||
    reply.enhanced === '5.5.3'
  )
}
