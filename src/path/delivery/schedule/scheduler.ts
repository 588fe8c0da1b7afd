import type { Domain } from '../../../standards/names/domain.ts'
import type { Lane, ManualRoute } from '../../custody/custody.ts'
import type { DecisionId } from '../../decision/decision.ts'
import { type Carried, carry } from '../carry.ts'
import { type Job, type Offered, bytesOf } from './job.ts'
import { LaneRounds, type SiteView } from './lane-rounds.ts'
import { Leases } from './leases.ts'
import { Places, everywhere } from './places.ts'
import { Pressure } from './pressure.ts'
import { ReadyJobs } from './ready-jobs.ts'
import { faultWait } from '../retry.ts'
import type { Room } from '../room.ts'
import { hostKey } from '../routing/route.ts'

/** The longest sleep between two looks at the queue, whatever custody said: what another hand changed is found by then. */
const longestSleep = 30_000

/** Between two rounds that found nothing they could take though there is something: at first, and at most; milliseconds. */
const firstPause = 20
const longestPause = 1_000

/** Messages that wait for a fault of ours to pass; more than this go back to custody for a few seconds. */
const maxSleepers = 2_000
const backToCustody = 5_000

/** Milliseconds to let a message rest of which custody says that it is due and the message itself that it is not. */
const disagreement = 1_000

/** A clock that went back by less is only being put right. */
const clockStep = 2_000

/** What waits for a place is looked through at most this often, in milliseconds. */
const fillPause = 5

/** How often what is in hand is looked through for what does not move on. */
const slowCheck = 1_000

/** How often, and over how long, the room looks whether slow destinations have taken all its places. */
const crowdCheck = 5_000

/**
 * Decides which message is carried when. Fresh ones come from memory; what is due comes from custody, lane by lane, which is asked only when
 * something is. A message is in one hand at a time.
 */
export class Scheduler {
  readonly #room: Room
  readonly leases = new Leases()
  readonly #places: Places
  readonly #ready = new ReadyJobs()
  readonly #rounds: LaneRounds
  readonly #pressure: Pressure
  readonly #sleepers = new Map<DecisionId, NodeJS.Timeout>()
  #running = 0
  #finished = 0
  #polling = false
  /** Whether custody may have something due that is in nobody's hands. */
  #more = false
  /** Whether somebody asked for a look while one was under way. */
  #again = false
  #pause = firstPause
  /** How far the clock was ahead of one that nobody sets, at the last look. */
  #lead: number | null = null
  /** When the other clock was last seen to have been set. */
  #steppedAt = -Infinity
  #timer: NodeJS.Timeout | null = null
  /** By the clock that nobody sets. */
  #wakesAt = Infinity
  #stopped = false
  #fillingSoon = false
  #idle: (() => void)[] = []
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(room: Room) {
    const { settings, outbound } = room
    const { messages, connections, connectionsPerDestination } = settings
    this.#room = room
    const limits = { messages, connections, perSite: connectionsPerDestination * 2 }
    this.#places = new Places(
      limits,
      (site) => outbound.health.conditionOf(site),
      () => this.#steady(),
    )
    this.#rounds = new LaneRounds({
      custody: room.custody,
      places: this.#places,
      now: () => room.clock.now(),
      random: room.random,
      leased: () => this.leases.ids,
      look: (lane) => this.#look(lane),
      begin: (id, site, lane) => this.#take({ id, offered: null, faults: 0, site, lane }),
      patience: settings.retry.max,
    })
    this.#pressure = new Pressure(Math.min(messages, connections))
    this.#places.queueAllowance = this.#pressure.allowance
    this.#pressure.start((allowance) => {
      this.#places.queueAllowance = allowance
    })
    this.#timers = [
      setInterval(() => this.#relieveCrowd(), crowdCheck).unref(),
      setInterval(() => this.#findSlow(), slowCheck).unref(),
    ]
  }

  /** Takes a fresh message if it can go soon and there is room for its body in memory; otherwise it is found in custody, where it already is. */
  offer(offered: Offered): void {
    const { metrics, settings } = this.#room.outbound
    if (this.#stopped) return
    const { id } = offered.message
    const site = this.#siteOfFresh(offered)
    const job: Job = { id, offered, faults: 0, site, lane: null }
    const size = bytesOf(job)
    const fits = metrics.bodyBytes + size <= settings.memoryForBodies && this.#mayWait(site)
    if (!fits || !this.leases.take(id, () => this.#drop(id))) {
      this.#lookSoon()
      return
    }
    metrics.bodyBytes += size
    this.#ready.add(job)
    this.#fill(site)
  }

  /** Looks at the queue now. */
  kick(): void {
    this.#rounds.startOver()
    this.#again = true
    this.#wakeIn(0)
  }

  /** Takes no new work; resolves when nothing is being carried any more. */
  stop(): Promise<void> {
    this.#stopped = true
    this.#pressure.stop()
    for (const timer of this.#timers) clearInterval(timer)
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const job of this.#ready.removeAll()) this.#letGo(job)
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

  /** Where a lane leads, and whether anything may go there now. */
  #look({ destination, parkedUntil }: Lane): SiteView {
    const { routes, outbound, clock } = this.#room
    const site = outbound.health.siteOf(keyOfLane(routes, destination))
    // It was down shortly before this process began.
    if (parkedUntil > clock.now() - longestSleep) outbound.health.suspect(site)
    return { site, restMs: outbound.health.restOf(site) }
  }

  #siteOfFresh({ message }: Offered): string {
    const { routes, outbound } = this.#room
    let site: string | null = null
    for (const { mailbox } of message.recipients) {
      const one = outbound.health.siteOf(routes.destinationOf(mailbox.domain).key)
      if (site !== null && site !== one) return everywhere
      site = one
    }
    return site ?? everywhere
  }

  /** Who would wait in memory for a site that does not take anything, or behind too many others, waits in custody. */
  #mayWait(site: string): boolean {
    const { messages } = this.#room.settings
    if (this.#ready.size >= messages || this.#ready.countAt(site) >= Math.max(1, messages / 4)) return false
    if (site === everywhere) return true
    const { health } = this.#room.outbound
    if (health.restOf(site) > 0) return false
    return health.conditionOf(site) !== 'poor' || this.#places.roomFor(site, 'fresh') > 0
  }

  /** Begins what there are places for: at that site, or anywhere. */
  #fill(site: string | null = null): void {
    if (this.#stopped) return
    if (site !== null) {
      for (let job = this.#ready.nextAt(site, this.#places); job !== null; job = this.#ready.nextAt(site, this.#places))
        this.#begin(job)
    }
    if (this.#ready.size > 0 && this.#places.roomFor(everywhere, 'fresh') > 0) this.#fillSoon()
    this.#gauge()
  }

  #fillSoon(): void {
    if (this.#fillingSoon) return
    this.#fillingSoon = true
    setTimeout(() => {
      this.#fillingSoon = false
      if (this.#stopped) return
      for (const job of this.#ready.startable(this.#places)) this.#begin(job)
      this.#gauge()
    }, fillPause)
  }

  /** Takes a message that custody named. */
  #take(job: Job): boolean {
    if (this.#stopped || !this.leases.take(job.id, null)) return false
    this.#begin(job)
    return true
  }

  #begin(job: Job): void {
    const place = this.#places.take(job.site, job.lane === null ? 'fresh' : 'queue')
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
        this.#places.giveBack(place)
        this.#running--
        this.#finished++
        this.#after(job)
        if (this.#running === 0) for (const wake of this.#idle.splice(0)) wake()
      })
  }

  /** A place is free again. */
  #after({ site, lane }: Job): void {
    if (this.#stopped) return
    const { health } = this.#room.outbound
    if (site !== everywhere && health.restOf(site) > 0) {
      for (const waiting of this.#ready.removeAt(site)) this.#letGo(waiting)
      this.#lookSoon()
    }
    this.#fill(site)
    if (!this.#more) return
    if (lane !== null && health.conditionOf(site) === 'good') {
      this.#rounds.warm(lane)
      // Not for each that ends: what a round asks of custody is asked for many at a time.
      if (this.#places.inHand < this.#places.queueAllowance / 2) this.#wakeIn(0)
    }
    this.#lookSoon()
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
        return this.#retake(job, 0)
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
      this.#retake(job, job.faults + 1)
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
  #retake(job: Job, faults: number): void {
    this.#sleep(job.id, faultWait(Math.max(0, faults - 1), this.#room.random()), () => {
      this.#ready.add({ ...job, offered: null, faults, lane: null })
      this.leases.mark(job.id, () => this.#drop(job.id))
      this.#fill(job.site)
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
    const job = this.#ready.remove(id)
    if (job !== null) this.#forgetBody(job)
    this.leases.release(id)
  }

  #letGo(job: Job): void {
    this.#forgetBody(job)
    this.leases.release(job.id)
  }

  #forgetBody(job: Job): void {
    if (job.offered !== null) this.#room.outbound.metrics.bodyBytes -= bytesOf(job)
  }

  /** Looks at the queue before long: there may be something for which there was no place. */
  #lookSoon(): void {
    this.#more = true
    this.#wakeIn(this.#pause)
  }

  #wakeAt(moment: number): void {
    if (moment !== Infinity) this.#wakeIn(Math.max(0, moment - this.#room.clock.now()))
  }

  #wakeIn(milliseconds: number): void {
    if (this.#stopped) return
    const wait = Math.min(longestSleep, milliseconds)
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
      this.#again = true
      return
    }
    this.#polling = true
    this.#again = false
    try {
      await this.#noticeClock()
      await this.#takeDue()
    } catch (error) {
      this.#room.log.error('custody could not say what is due', { error: String(error) })
      this.#wakeIn(longestPause)
    } finally {
      this.#polling = false
    }
    this.#gauge()
    if (this.#again) this.#wakeIn(0)
  }

  /** Takes what is due, as far as there are places, and says when to look again. */
  async #takeDue(): Promise<void> {
    const { custody, clock } = this.#room
    const { taken, more, next } = await this.#rounds.round()
    this.#more = more
    if (more) {
      const full = this.#places.roomFor(everywhere, 'queue') === 0
      this.#pause = taken > 0 ? firstPause : Math.min(longestPause, this.#pause * 2)
      this.#wakeIn(taken > 0 && !full ? 0 : this.#pause)
      return
    }
    this.#pause = firstPause
    this.#wakeAt(Math.min(next, (await custody.nextReady(clock.now())) ?? Infinity))
    this.#wakeIn(longestSleep)
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

  /** Whoever keeps what is in hand for it waiting gets no more than one message at a time from now on. */
  #findSlow(): void {
    const { health } = this.#room.outbound
    for (const site of this.#places.findSlow()) health.slow(site)
    const crowd = this.#places.unproven / this.#places.unprovenLimit
    health.patience = patienceIn(crowd)
    for (const site of this.#ready.sites()) {
      if (site === everywhere || health.conditionOf(site) !== 'poor') continue
      for (const waiting of this.#ready.removeAt(site)) this.#letGo(waiting)
      this.#lookSoon()
    }
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
    metrics.waiting = this.#ready.size + this.#sleepers.size
  }
}

/** What a server that is not known to be good gets for each step, by how much of what such may have is taken; milliseconds. */
function patienceIn(crowd: number): number {
  if (crowd < 0.25) return Infinity
  return crowd < 0.5 ? 20_000 : 8_000
}

/** The destination that a lane's name stands for: that of its domain, or the one that a person chose. */
function keyOfLane(routes: Room['routes'], destination: string): string {
  if (!destination.startsWith('{')) return routes.destinationOf(destination as Domain).key
  return hostKey(JSON.parse(destination) as ManualRoute)
}
