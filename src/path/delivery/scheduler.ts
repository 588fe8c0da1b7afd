import type { StoredMessage } from '../custody/custody.ts'
import type { DecisionId } from '../decision/decision.ts'
import { type Carried, carry } from './carry.ts'
import { Leases } from './leases.ts'
import { faultWait } from './retry.ts'
import type { Room } from './room.ts'

/** A message fresh from acceptance: nothing of it needs to be read back. */
export type Offered = { readonly message: StoredMessage; readonly body: readonly Buffer[] }

type Job = { readonly id: DecisionId; readonly offered: Offered | null; readonly faults: number }

/** Ids asked of custody at a time. */
const batch = 200

/** The longest sleep between two looks at the queue, whatever custody said: what another hand changed is found by then. */
const longestSleep = 30_000

/** Messages that wait for a fault of ours to pass; more than this go back to custody for a few seconds. */
const maxSleepers = 2_000
const backToCustody = 5_000

/** Milliseconds to let a message rest of which custody says that it is due and the message itself that it is not. */
const disagreement = 1_000

/** A clock that went back by less is only being put right. */
const clockStep = 2_000

/** How often, and over how long, the room looks whether slow destinations have taken all its places. */
const crowdCheck = 5_000

/**
 * Decides which message is carried when. Fresh ones come from memory; what is due comes from custody, which is asked only when
 * something is. A message is in one hand at a time.
 */
export class Scheduler {
  readonly #room: Room
  readonly leases = new Leases()
  #ready: Job[] = []
  readonly #sleepers = new Map<DecisionId, NodeJS.Timeout>()
  #running = 0
  #finished = 0
  #polling = false
  /** Whether custody may have more that is due than we took. */
  #more = false
  /** How far the clock was ahead of one that nobody sets, at the last look. */
  #lead: number | null = null
  /** When the other clock was last seen to have been set. */
  #steppedAt = -Infinity
  #timer: NodeJS.Timeout | null = null
  /** By the clock that nobody sets. */
  #wakesAt = Infinity
  #stopped = false
  #idle: (() => void)[] = []
  readonly #crowdTimer: NodeJS.Timeout

  constructor(room: Room) {
    this.#room = room
    this.#crowdTimer = setInterval(() => this.#relieveCrowd(), crowdCheck)
    this.#crowdTimer.unref()
  }

  /** Takes a fresh message if there is room for its body in memory; otherwise it is found in custody, where it already is. */
  offer(offered: Offered): void {
    const { metrics, settings } = this.#room.outbound
    const size = bytesOf(offered.body)
    const { id } = offered.message
    if (this.#stopped) return
    if (metrics.bodyBytes + size > settings.memoryForBodies || !this.leases.take(id, () => this.#drop(id))) {
      this.kick()
      return
    }
    metrics.bodyBytes += size
    this.#ready.push({ id, offered, faults: 0 })
    this.#fill()
  }

  /** Looks at the queue now. */
  kick(): void {
    this.#wakeAt(0)
  }

  /** Takes no new work; resolves when nothing is being carried any more. */
  stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#crowdTimer)
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const job of this.#ready.splice(0)) this.#letGo(job)
    for (const [id, timer] of this.#sleepers) {
      clearTimeout(timer)
      this.leases.release(id)
    }
    this.#sleepers.clear()
    return this.idle()
  }

  /** Resolves when nothing is being carried. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #fill(): void {
    while (!this.#stopped && this.#running < this.#room.settings.messages) {
      const job = this.#ready.shift()
      if (job === undefined) break
      this.#begin(job)
    }
    this.#gauge()
    const { messages } = this.#room.settings
    const places = messages - this.#running - this.#ready.length
    if (this.#more && places >= Math.min(batch, messages / 2)) this.kick()
  }

  #begin(job: Job): void {
    this.#running++
    this.leases.mark(job.id, null)
    this.#carry(job)
      .catch((error: unknown): Carried => {
        this.#room.log.error('carrying a message failed', { id: job.id, error: String(error) })
        return { kind: 'our-fault', because: String(error) }
      })
      .then((carried) => this.#done(job, carried))
      .catch((error: unknown) => {
        this.#room.log.error('a message could not be put down', { id: job.id, error: String(error) })
      })
      .finally(() => {
        this.#running--
        this.#finished++
        this.#fill()
        if (this.#running === 0) for (const wake of this.#idle.splice(0)) wake()
      })
  }

  async #carry(job: Job): Promise<Carried> {
    if (job.offered !== null) return carry(this.#room, job.offered.message, job.offered.body)
    const message = await this.#room.custody.read(job.id)
    return message === null ? { kind: 'settled', followed: false, dueAt: Infinity } : carry(this.#room, message, null)
  }

  async #done(job: Job, carried: Carried): Promise<void> {
    this.#forgetBody(job)
    switch (carried.kind) {
      case 'settled':
        if (carried.dueAt === Infinity) this.#room.signatures.forget(job.id)
        this.leases.release(job.id)
        // What was being carried when the clock was set has its next moment from the clock before.
        if (carried.followed || this.#steady() - this.#steppedAt < longestSleep) this.kick()
        else this.#wakeAt(carried.dueAt)
        return
      case 'nothing-due':
        // Custody and we disagree for a moment; asking at once again would only spin.
        return this.#sleep(job.id, disagreement, () => {
          this.leases.release(job.id)
          this.kick()
        })
      case 'superseded':
        return this.#again(job, 0)
      case 'our-fault':
        return this.#afterFault(job, carried.because)
      default:
        return carried satisfies never
    }
  }

  /** A fault of ours is over soon or is everybody's: it never counts against the destination, nor against other messages. */
  async #afterFault(job: Job, because: string): Promise<void> {
    const { custody, clock, log, outbound } = this.#room
    outbound.metrics.ownFaults++
    if (job.faults === 0 || job.faults % 20 === 0)
      log.warn('a message waits for a fault of ours', { id: job.id, because })
    if (this.#stopped || this.#sleepers.size < maxSleepers) {
      this.#again(job, job.faults + 1)
      return
    }
    const message = await custody.read(job.id)
    const dueAt = clock.now() + Math.round(backToCustody * (1 + this.#room.random()))
    const waiting = message?.recipients.filter((one) => one.state === 'pending') ?? []
    await custody.settle(
      job.id,
      waiting.map((one) => ({
        index: one.index,
        kind: 'retry',
        reply: because,
        dueAt: Math.max(dueAt, one.dueAt),
        attempted: false,
      })),
      [],
      [],
    )
    this.leases.release(job.id)
    this.#wakeAt(dueAt)
  }

  /** Carries it again after the wait of that many faults. */
  #again(job: Job, faults: number): void {
    this.#sleep(job.id, faultWait(Math.max(0, faults - 1), this.#room.random()), () => {
      this.#ready.push({ id: job.id, offered: null, faults })
      this.leases.mark(job.id, () => this.#drop(job.id))
      this.#fill()
    })
  }

  /** Keeps a message in hand without working on it; whoever asks for it gets it. */
  #sleep(id: DecisionId, wait: number, then: () => void): void {
    if (this.#stopped) {
      this.leases.release(id)
      return
    }
    const timer = setTimeout(() => {
      this.#sleepers.delete(id)
      then()
    }, wait)
    this.#sleepers.set(id, timer)
    this.leases.mark(id, () => this.#drop(id))
  }

  /** Lets a message go on which no work has begun. */
  #drop(id: DecisionId): void {
    clearTimeout(this.#sleepers.get(id))
    this.#sleepers.delete(id)
    for (const job of this.#ready.filter((one) => one.id === id)) this.#forgetBody(job)
    this.#ready = this.#ready.filter((one) => one.id !== id)
    this.leases.release(id)
  }

  #letGo(job: Job): void {
    this.#forgetBody(job)
    this.leases.release(job.id)
  }

  #forgetBody(job: Job): void {
    if (job.offered !== null) this.#room.outbound.metrics.bodyBytes -= bytesOf(job.offered.body)
  }

  #wakeAt(moment: number): void {
    if (this.#stopped || moment === Infinity) return
    const wait = Math.min(longestSleep, Math.max(0, moment - this.#room.clock.now()))
    const wakesAt = this.#steady() + wait
    if (wakesAt >= this.#wakesAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#wakesAt = wakesAt
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#wakesAt = Infinity
      void this.#poll()
    }, wait)
  }

  async #poll(): Promise<void> {
    if (this.#polling) {
      this.#more = true
      return
    }
    this.#polling = true
    this.#more = false
    let next = Infinity
    try {
      next = await this.#takeDue()
    } catch (error) {
      this.#room.log.error('custody could not say what is due', { error: String(error) })
      next = this.#room.clock.now() + 1000
    } finally {
      this.#polling = false
    }
    this.#fill()
    this.#wakeAt(Math.min(next, this.#room.clock.now() + longestSleep))
  }

  /** Takes what is due, as far as there are places, and answers when to look again. */
  async #takeDue(): Promise<number> {
    const { custody, clock, settings } = this.#room
    const places = settings.messages - this.#running - this.#ready.length
    if (places <= 0) {
      this.#more = true
      return Infinity
    }
    await this.#noticeClock()
    const limit = Math.min(batch, places)
    const due = await custody.due(clock.now(), limit, this.leases.ids)
    for (const id of due) {
      if (this.#stopped) return Infinity
      if (this.leases.take(id, () => this.#drop(id))) this.#ready.push({ id, offered: null, faults: 0 })
    }
    if (due.length < limit) return (await custody.nextDue(this.leases.ids)) ?? Infinity
    this.#more = true
    return Infinity
  }

  #steady(): number {
    const { clock } = this.#room
    return clock.steady?.() ?? clock.now()
  }

  /** What waits for a moment would wait longer by as much as the clock was set back. */
  async #noticeClock(): Promise<void> {
    const { clock, custody, log } = this.#room
    const lead = clock.now() - this.#steady()
    const back = (this.#lead ?? lead) - lead
    if (Math.abs(back) >= clockStep) this.#steppedAt = this.#steady()
    if (back >= clockStep) {
      log.warn('the clock was set back; what is queued comes due by as much earlier', {
        milliseconds: Math.round(back),
      })
      await custody.hasten(back)
    }
    this.#lead = lead
  }

  /** When every place is taken and hardly anything finishes, those that wait at the most crowded destination make room. */
  #relieveCrowd(): void {
    const { messages } = this.#room.settings
    const stuck = this.#running >= messages && this.#finished < messages / 100
    this.#finished = 0
    if (stuck) this.#room.outbound.limiter.evictLongest()
    else this.#room.outbound.limiter.welcomeAll()
  }

  #gauge(): void {
    const { metrics } = this.#room.outbound
    metrics.inFlight = this.#running
    metrics.waiting = this.#ready.length + this.#sleepers.size
  }
}

function bytesOf(body: readonly Buffer[]): number {
  let sum = 0
  for (const piece of body) sum += piece.length
  return sum
}
