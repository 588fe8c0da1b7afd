import type { LedgerEvent } from '../../../rooms/ledger/index.ts'
import type { DeliveryOptions, Room } from '../room.ts'
import type { DeliverySettings } from '../settings.ts'
import type { Budget } from './budget.ts'
import { type Explanation, explainDomain } from './explain.ts'
import type { ShapingNotice } from './notice.ts'
import { plainProfiles } from './plain-profiles.ts'
import type { Profiles } from './profiles.ts'
import { Shaping } from './shaping.ts'

/** How receivers are treated, as the rest of the program chooses it. */
export type ShapingChoice = {
  readonly profiles: Profiles
  /** What was in force when the process before this one ended. */
  readonly notices?: readonly ShapingNotice[]
  readonly budget?: Budget
}

/** Shaping as people and other processes see it. */
export type ShapingFace = {
  /** The actions in force, the oldest first. */
  list(): readonly ShapingNotice[]
  /** Ends an action, and lets go what waited for it. False when there is none of that id. */
  clear(id: string, by: string): boolean
  /** What holds for mail to a domain, and which rule says so. */
  explain(domain: string): Promise<Explanation>
  /** Takes over an action, or its end, from another relay process. */
  apply(notice: ShapingNotice): void
  /** Hears of each action that this process begins, changes or ends, and not of those that it was given. */
  onNotice(listener: (notice: ShapingNotice) => void): void
  /** Goes on by other profiles. */
  follow(profiles: Profiles): void
}

export function openShaping(options: DeliveryOptions, settings: DeliverySettings): Shaping {
  const { clock, custody, log } = options
  const choice = options.shaping ?? { profiles: plainProfiles(settings) }
  const shaping = new Shaping({
    profiles: choice.profiles,
    now: () => clock.now(),
    log,
    ...(choice.budget === undefined ? {} : { budget: choice.budget }),
  })
  for (const notice of choice.notices ?? []) shaping.apply(notice)
  shaping.book.onNotice((notice) => {
    const event = eventOf(notice)
    if (event === null) return
    log.info('mail to a site is shaped otherwise', { kind: event.kind, ...event.detail })
    custody.record([event]).catch((error: unknown) => {
      log.warn('an event of shaping could not be recorded', { id: notice.id, error: String(error) })
    })
  })
  return shaping
}

export function shapingFace(room: Room): ShapingFace {
  const { shaping, dns, settings } = room.outbound
  return {
    list: () => shaping.book.list(),
    clear: (id, by) => shaping.clear(id, by),
    explain: (domain) =>
      explainDomain(domain, { shaping, routes: room.routes, dns, port: settings.port, hostname: room.hostname }),
    apply: (notice) => shaping.apply(notice),
    onNotice: (listener) => shaping.book.onNotice(listener),
    follow: (profiles) => shaping.follow(profiles),
  }
}

/** What the ledger keeps of a notice: its beginning with what caused it, and an end before its time; steps in between are no events. */
function eventOf(notice: ShapingNotice): LedgerEvent | null {
  const { id: action, site, scope, because, by, factor, until, ended, changed } = notice
  const { customer, source } = { customer: null, source: null, ...scope }
  const whose = { customer, source }
  const common = { action, site, scope, class: because.class, reply: because.reply }
  if (ended !== null) {
    const detail = { ...common, how: ended.how, by: ended.by }
    return { kind: 'site-resumed', at: ended.at, id: `shaping/${action}`, ...whose, detail }
  }
  const isStep = notice.kind === 'slow' && notice.step !== 'down'
  if (isStep) return null
  const kind = notice.kind === 'slow' ? 'site-slowed' : 'site-suspended'
  const detail = { ...common, rule: by, factor, until, replies: because.replies, message: because.message }
  return { kind, at: changed, id: because.message, ...whose, detail }
}
