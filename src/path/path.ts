import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { LedgerEvent } from '../rooms/ledger/index.ts'
import type { PolicySnapshot, SuppressionBook } from '../rooms/registry/index.ts'
import {
  CopyCounter,
  type EnvelopeNumbers,
  type LeaseBook,
  type Reservation,
  type RollingCounters,
  type StandingBook,
  copyName,
  envelopeNumbers,
  reserve,
} from '../rooms/watch/index.ts'
import type { Domain } from '../standards/names/domain.ts'
import { formatMailbox } from '../standards/names/mailbox.ts'
import type { Secret } from '../standards/secret.ts'
import type { Reply } from '../standards/smtp/reply.ts'
import type { Custody, StoredMessage } from './custody/index.ts'
import {
  type Counters,
  type Decision,
  type DecisionIds,
  type Rejudgement,
  type SuppressedFacts,
  type Subject,
  copyKeyOf,
  counterKeysOf,
  decide,
  decideAtMail,
  decideAtRcpt,
  recordOf,
  rejudge,
  returnPathOf,
  sharedLimitsFor,
  signatureQuestion,
  standingKeyOf,
  subjectOf,
} from './decision/index.ts'
import type { AdmittedOwn, OwnMessage } from './delivery/index.ts'
import { type Taken, asStored, entryFor, ownEntry } from './entries.ts'
import type { Evidence, EvidenceRoom } from './evidence/index.ts'
import type { Gate, IngressFault, ReceivedMessage, Session, Transaction } from './ingress/index.ts'

/** What the journey needs. `policy` answers null when there is none to judge by: then nothing is allowed. */
export type Rooms = {
  readonly evidence: EvidenceRoom
  readonly policy: () => PolicySnapshot | null
  readonly standing: StandingBook
  readonly counters: RollingCounters
  readonly copies: CopyCounter
  /** Where several relays share the limits; null, or absent, where this one has them alone. */
  readonly shared?: LeaseBook | null
  readonly suppressions: Pick<SuppressionBook, 'size' | 'isListed'>
  readonly custody: Custody
  /** Hands a message that was just stored to delivery, while its body is still in memory. */
  readonly carry: (message: StoredMessage, body: readonly Buffer[]) => void
  readonly ids: DecisionIds
  readonly clock: Clock
  readonly log: Log
  readonly operator: Domain
  /** How long a held message is kept, in milliseconds. */
  readonly holdFor: number
}

/** The journey of a message, told by its stations: arrive, gather, decide, keep, carry. */
export type Path = {
  /** Arrive: what ingress asks at each step. */
  readonly gate: Gate
  /** A notification of our own takes the same way, as source `self`. Null when it is refused. */
  readonly admitOwn: (own: OwnMessage) => Promise<AdmittedOwn | null>
  /** Judges a stored message again, just before the wire. */
  readonly rejudge: (message: StoredMessage) => Rejudgement
  /** The domain at which reports about it come back to us, by the policy of this moment; null where its reverse-path stays. */
  readonly returnPath: (message: StoredMessage) => Domain | null
}

export function openPath(rooms: Rooms): Path {
  const senders: Senders = new WeakMap()
  return {
    gate: {
      authenticate: (session, username, password) => authenticate(rooms, session, username, password),
      onMail: (session, transaction) =>
        orDefer(rooms, { session, transaction, at: 'mail' }, () => onMail(rooms, session, transaction)),
      onRcpt: (session, transaction, next) =>
        orDefer(rooms, { session, transaction, at: 'rcpt' }, () => onRcpt(rooms, senders, session, transaction, next)),
      onEndOfData: (session, transaction, message) =>
        orDefer(rooms, { session, transaction, at: 'data' }, () => onEndOfData(rooms, session, transaction, message)),
      onFault: (session, transaction, fault) =>
        orDefer(rooms, { session, transaction, at: 'data' }, () => onFault(rooms, session, transaction, fault)),
    },
    admitOwn: (own) => Promise.resolve(admitOwn(rooms, own)),
    rejudge: (message) => judgeAgain(rooms, message),
    returnPath: ({ permit }) => {
      const policy = rooms.policy()
      return policy === null ? null : returnPathOf(policy, permit, rooms.clock.now())
    },
  }
}

type Moment = {
  readonly session: Session
  readonly transaction: Transaction | null
  readonly at: 'mail' | 'rcpt' | 'data'
}

/**
 * What breaks on the way is a fault of ours: deferred, told with a decision id, and recorded. Where even that breaks, ingress says 451
 * by itself.
 */
async function orDefer<T>(rooms: Rooms, moment: Moment, step: () => Promise<T>): Promise<T | Reply> {
  try {
    return await step()
  } catch (error) {
    rooms.log.error('a message could not be judged', { error })
    const { session, transaction, at } = moment
    const policy = rooms.policy()
    const now = rooms.clock.now()
    const evidence = await rooms.evidence.gatherAtMail({ session, transaction, policy, fault: null, now })
    const facts = inputFor(rooms, evidence, policy, subjectOf(evidence, policy, now), null)
    const input = { ...facts, systemFault: 'the message could not be judged' }
    const early = at === 'mail' ? decideAtMail(input) : at === 'rcpt' ? decideAtRcpt(input) : null
    return tell(rooms, early ?? decide(input))
  }
}

async function onEndOfData(
  rooms: Rooms,
  session: Session,
  transaction: Transaction,
  message: ReceivedMessage,
): Promise<Reply> {
  const policy = rooms.policy()
  const now = rooms.clock.now()
  const ask = (soFar: Evidence) => signatureQuestion(soFar, policy, now)
  const evidence = await rooms.evidence.gather({ session, transaction, message, policy, ask, now })
  const reserved = rooms.shared == null ? null : await reserveFor(rooms.shared, rooms, evidence, policy)
  try {
    const { decision, subject, copy } = judge(rooms, evidence, policy, reserved)
    switch (decision.verdict) {
      case 'relay':
      case 'hold':
        return await keep(rooms, decision, { subject, copy, reserved }, session, transaction, message)
      case 'refuse':
      case 'defer':
        return tell(rooms, decision)
      default:
        return decision satisfies never
    }
  } finally {
    // What was kept is spent by now.
    reserved?.giveBack()
  }
}

/** Sets aside what the message would need of the limits, before it is judged: then nothing need be waited for any more. */
function reserveFor(
  book: LeaseBook,
  rooms: Rooms,
  evidence: Evidence,
  policy: PolicySnapshot | null,
): Promise<Reservation> {
  const now = rooms.clock.now()
  const subject = subjectOf(evidence, policy, now)
  const copy = copyOf(subject, evidence)
  const counted =
    copy === null
      ? null
      : { key: CopyCounter.keyOf(copy.key), fresh: rooms.copies.counts(copy.key, copy.envelope, now).fresh }
  return reserve(book, sharedLimitsFor(subject, policy, evidence.envelope.recipients.length, counted))
}

/** What can already be said at MAIL: that nobody is proven, or that there is no room. */
async function onMail(rooms: Rooms, session: Session, transaction: Transaction): Promise<Reply | null> {
  const policy = rooms.policy()
  const fault = rooms.custody.hasRoom() ? null : ({ kind: 'storage-full' } as const)
  const evidence = await rooms.evidence.gatherAtMail({ session, transaction, policy, fault, now: rooms.clock.now() })
  const subject = subjectOf(evidence, policy, rooms.clock.now())
  const decision = decideAtMail(inputFor(rooms, evidence, policy, subject, null))
  return decision === null ? null : tell(rooms, decision)
}

/** Whose mail a session's can only be, by the policy that told it. */
type Senders = WeakMap<Session, { readonly policy: PolicySnapshot; readonly customer: string | null }>

/**
 * A recipient that the customer does not write to is refused before the message is sent, where the connection alone tells the customer; a
 * cloud provider's does not, and there it is judged with the message.
 */
async function onRcpt(
  rooms: Rooms,
  senders: Senders,
  session: Session,
  transaction: Transaction,
  next: Transaction['forwardPaths'][number],
): Promise<Reply | null> {
  const policy = rooms.policy()
  if (policy === null || rooms.suppressions.size === 0) return null
  const alone = { ...transaction, forwardPaths: [next] }
  const gather = () =>
    rooms.evidence.gatherAtMail({ session, transaction: alone, policy, fault: null, now: rooms.clock.now() })
  let sender = senders.get(session)
  if (sender?.policy !== policy) {
    const customer = subjectOf(await gather(), policy, rooms.clock.now()).source?.customer ?? null
    sender = { policy, customer }
    senders.set(session, sender)
  }
  const { customer } = sender
  if (customer === null || !rooms.suppressions.isListed(customer, next.mailbox, rooms.clock.now())) return null
  const evidence = await gather()
  const subject = subjectOf(evidence, policy, rooms.clock.now())
  const decision = decideAtRcpt(inputFor(rooms, evidence, policy, subject, null))
  return decision === null ? null : tell(rooms, decision)
}

async function onFault(
  rooms: Rooms,
  session: Session,
  transaction: Transaction | null,
  fault: IngressFault,
): Promise<Reply> {
  const policy = rooms.policy()
  const evidence = await rooms.evidence.gatherAtMail({ session, transaction, policy, fault, now: rooms.clock.now() })
  return tell(rooms, judge(rooms, evidence, policy).decision)
}

/** A message in one of its copies, and to whom this copy goes. */
type Copy = { readonly key: string; readonly envelope: EnvelopeNumbers }

type Judged = { readonly decision: Decision; readonly subject: Subject; readonly copy: Copy | null }

function judge(
  rooms: Rooms,
  evidence: Evidence,
  policy: PolicySnapshot | null,
  reserved: Reservation | null = null,
): Judged {
  const subject = subjectOf(evidence, policy, rooms.clock.now())
  const copy = copyOf(subject, evidence)
  const input = inputFor(rooms, evidence, policy, subject, copy)
  const counters = reserved === null ? input.counters : { ...input.counters, shared: reserved.short }
  return { decision: decide({ ...input, counters }), subject, copy }
}

function copyOf(subject: Subject, evidence: Evidence): Copy | null {
  const key = copyKeyOf(subject, evidence)
  return key === null
    ? null
    : { key: copyName(key), envelope: envelopeNumbers(evidence.envelope.recipients.map(formatMailbox)) }
}

function inputFor(
  rooms: Rooms,
  evidence: Evidence,
  policy: PolicySnapshot | null,
  subject: Subject,
  copy: Copy | null,
): Parameters<typeof decide>[0] {
  const now = rooms.clock.now()
  const standing = rooms.standing.standingFor(standingKeyOf(subject), now)
  const counters = countersFor(rooms, subject, copy, now)
  return {
    id: rooms.ids.next(),
    evidence,
    policy,
    standing,
    counters,
    ...listedAmong(rooms, evidence, subject, now),
    now,
  }
}

/** Only the list of the customer whom the connection proves is asked. */
function listedAmong(
  { suppressions }: Rooms,
  { envelope }: Evidence,
  { source }: Subject,
  now: number,
): { readonly suppressed?: SuppressedFacts } {
  if (source === null || suppressions.size === 0) return {}
  const listed = envelope.recipients.filter((one) => suppressions.isListed(source.customer, one, now))
  return listed.length === 0 ? {} : { suppressed: { customer: source.customer, recipients: listed.map(formatMailbox) } }
}

/** Custody takes the message, and only then is it accepted. What it costs is charged at once, so that the next decision sees it. */
async function keep(
  rooms: Rooms,
  decision: Taken,
  { subject, copy, reserved }: Pick<Judged, 'subject' | 'copy'> & { readonly reserved: Reservation | null },
  session: Session,
  transaction: Transaction,
  message: ReceivedMessage,
): Promise<Reply> {
  const now = rooms.clock.now()
  const keys = counterKeysOf(subject)
  const charges = (keys === null ? [] : [keys.grant, keys.customer]).map((key) =>
    rooms.counters.charge(key, transaction.forwardPaths.length, now),
  )
  const copied = copy === null ? null : rooms.copies.charge(copy.key, copy.envelope, now)
  reserved?.spend()
  const refund = (): void => {
    for (const charge of charges) rooms.counters.refund(charge)
    if (copied !== null) rooms.copies.refund(copied)
  }
  saveCounters(rooms)
  const entry = entryFor(decision, session, transaction, message, now, rooms.holdFor)
  try {
    const stored = await rooms.custody.accept(entry, [decisionEvent(decision)])
    if (stored === 'stored') {
      rooms.carry(asStored(entry), message.body)
      return decision.reply
    }
    refund()
    return tell(rooms, again(rooms, decision, { fault: { kind: 'storage-full' } }))
  } catch (error) {
    refund()
    rooms.log.error('a message could not be stored', { id: decision.id, error })
    return tell(rooms, again(rooms, decision, { systemFault: 'custody could not store the message' }))
  }
}

/** Asked for just before the message itself, so that both are in one group commit and a restart forgets no charge of what it took. */
function saveCounters(rooms: Rooms): void {
  const changed = [...rooms.counters.drain(), ...rooms.copies.drain()]
  if (changed.length === 0) return
  rooms.custody.charge(changed).catch((error: unknown) => rooms.log.error('counters could not be saved', { error }))
}

/** Judges the same evidence again with what has gone wrong since, so that the reply and the record are those of the fault. */
function again(
  rooms: Rooms,
  decision: Decision,
  wrong: { readonly fault?: Evidence['fault']; readonly systemFault?: string },
): Decision {
  const { evidence, standing, counters, suppressed, now } = decision.facts
  return decide({
    id: rooms.ids.next(),
    evidence: wrong.fault === undefined ? evidence : { ...evidence, fault: wrong.fault },
    policy: rooms.policy(),
    standing,
    counters,
    ...(suppressed === undefined ? {} : { suppressed }),
    now,
    systemFault: wrong.systemFault ?? null,
  })
}

/** The reply of a decision that takes nothing. Its record is on its way to the disk; the reply does not wait for it. */
function tell(rooms: Rooms, decision: Decision): Reply {
  rooms.custody.record([decisionEvent(decision)]).catch((error: unknown) => {
    rooms.log.error('a decision could not be recorded', { id: decision.id, rule: decision.rule, error })
  })
  return decision.reply
}

function decisionEvent(decision: Decision): LedgerEvent {
  const { now, customer, source } = decision.facts
  return { kind: 'decision', at: now, id: decision.id, customer, source, detail: recordOf(decision) }
}

function countersFor(rooms: Rooms, subject: Subject, copy: Copy | null, now: number): Counters {
  const keys = counterKeysOf(subject)
  const counts = (key: string | undefined): Counters['grant'] => rooms.counters.counts(key ?? '', now)
  const counters = { grant: counts(keys?.grant), customer: counts(keys?.customer) }
  return copy === null ? counters : { ...counters, copies: rooms.copies.counts(copy.key, copy.envelope, now) }
}

async function authenticate(
  rooms: Rooms,
  session: Session,
  username: string,
  password: Secret<string>,
): Promise<boolean> {
  const policy = rooms.policy()
  return policy !== null && (await rooms.evidence.verifyPassword({ session, username, password, policy }))
}

function judgeAgain(rooms: Rooms, { permit }: StoredMessage): Rejudgement {
  const now = rooms.clock.now()
  const policy = rooms.policy()
  if (policy === null) {
    return { kind: 'not-ready', rule: 'key-not-ready', because: 'the policy cannot be had' }
  }
  const { attribution } = permit
  const key = attribution.kind === 'm365' ? attribution.tenant : `${permit.customer}/${permit.source}`
  const owned = policy.ownerOf(permit.domain)
  const lock = owned?.dnsLock === true ? rooms.evidence.lockNow(owned.name) : null
  const standing = rooms.standing.standingFor(key, now)
  return rejudge({ permit, policy, standing, lock, operator: rooms.operator, now })
}

function admitOwn(rooms: Rooms, own: OwnMessage): AdmittedOwn | null {
  const now = rooms.clock.now()
  const evidence = rooms.evidence.ofOurOwn({ operator: rooms.operator, own })
  const { decision } = judge(rooms, evidence, rooms.policy())
  if (decision.verdict !== 'relay') {
    rooms.log.error('a notification of our own was not admitted', { about: own.about, rule: decision.rule })
    return null
  }
  return { entry: ownEntry(decision, own, now), events: [decisionEvent(decision)] }
}
