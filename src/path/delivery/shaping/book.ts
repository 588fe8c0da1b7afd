import { randomBytes } from 'node:crypto'
import type { Log } from '../../../platform/log.ts'
import { type Scope, type ShapingNotice, scopeKey } from './notice.ts'

/** What a new notice needs besides what the book itself knows. */
export type Draft = Omit<ShapingNotice, 'id' | 'step' | 'from' | 'changed' | 'ended'>

/** Hears of each notice that this process makes, and not of those that it is given. */
export type NoticeListener = (notice: ShapingNotice) => void

/** More than this are not kept; what ends first is forgotten first. */
const mostNotices = 10_000

/** The actions in force, by site. They end by themselves when their time is up. */
export class ShapingBook {
  readonly #now: () => number
  readonly #log: Log | null
  readonly #bySite = new Map<string, ShapingNotice[]>()
  readonly #listeners: NoticeListener[] = []
  #count = 0

  constructor(now: () => number, log: Log | null = null) {
    this.#now = now
    this.#log = log
  }

  onNotice(listener: NoticeListener): void {
    this.#listeners.push(listener)
  }

  /** All in force, the oldest first. */
  list(): readonly ShapingNotice[] {
    const now = this.#now()
    return [...this.#bySite.values()]
      .flat()
      .filter((one) => one.until > now)
      .toSorted((a, b) => a.from - b.from)
  }

  /** What is in force for a scope at a site, or null. */
  find(kind: ShapingNotice['kind'], site: string, scope: Scope): ShapingNotice | null {
    const here = this.#at(site)
    if (here.length === 0) return null
    const key = scopeKey(scope)
    return here.find((one) => one.kind === kind && scopeKey(one.scope) === key) ?? null
  }

  /** Our addresses that are suspended at a site, with their notices; null stands for the one that the system chooses. */
  suspendedAddresses(site: string): ReadonlyMap<string | null, ShapingNotice> {
    const here = this.#at(site)
    if (here.length === 0) return nothing
    const found = new Map<string | null, ShapingNotice>()
    for (const one of here) {
      if (one.kind === 'suspend' && one.scope.what === 'address') found.set(one.scope.address, one)
    }
    return found
  }

  /** Puts an action in force, or another in the place of one for the same scope. */
  begin(draft: Draft): ShapingNotice {
    const now = this.#now()
    const known = this.find(draft.kind, draft.site, draft.scope)
    const id = known?.id ?? `shp-${randomBytes(5).toString('hex')}`
    const notice = { ...draft, id, step: 'down' as const, from: known?.from ?? now, changed: now, ended: null }
    this.#put(notice)
    this.#tell(notice)
    return notice
  }

  /** Lets a slow lane have more again; at 1 it is over. */
  recover(notice: ShapingNotice, factor: number): void {
    const now = this.#now()
    if (factor >= 1) {
      this.#end(notice, { at: now, how: 'recovered', by: 'mail that was taken' })
      return
    }
    const better = { ...notice, factor, step: 'up' as const, changed: now }
    this.#put(better)
    this.#tell(better)
  }

  /** Ends an action by hand. False when there is none of that id. */
  clear(id: string, by: string): boolean {
    const notice = this.list().find((one) => one.id === id)
    if (notice === undefined) return false
    this.#end(notice, { at: this.#now(), how: 'cleared', by })
    return true
  }

  /** Takes over what another process says, or what was kept over a restart. The later word holds. */
  apply(notice: ShapingNotice): void {
    const known = this.#at(notice.site).find((one) => one.id === notice.id)
    if (notice.ended !== null) {
      if (known !== undefined) this.#remove(known)
      return
    }
    if (known !== undefined && known.changed > notice.changed) return
    const same = this.find(notice.kind, notice.site, notice.scope)
    // Two that found the same at the same time: the sterner one holds.
    if (same !== null && same.id !== notice.id) {
      if (same.until >= notice.until && same.factor <= notice.factor) return
      this.#remove(same)
    }
    this.#put(notice)
  }

  #end(notice: ShapingNotice, ended: NonNullable<ShapingNotice['ended']>): void {
    this.#remove(notice)
    this.#tell({ ...notice, ended })
  }

  #put(notice: ShapingNotice): void {
    this.#remove(notice)
    const here = this.#bySite.get(notice.site) ?? []
    here.push(notice)
    this.#bySite.set(notice.site, here)
    this.#count++
    if (this.#count > mostNotices) this.#forgetOne()
  }

  #remove(notice: ShapingNotice): void {
    const here = this.#bySite.get(notice.site)
    if (here === undefined) return
    const rest = here.filter((one) => one.id !== notice.id)
    this.#count -= here.length - rest.length
    if (rest.length === 0) this.#bySite.delete(notice.site)
    else this.#bySite.set(notice.site, rest)
  }

  #at(site: string): readonly ShapingNotice[] {
    const here = this.#bySite.get(site)
    if (here === undefined) return none
    const now = this.#now()
    for (const one of here) if (one.until <= now) this.#remove(one)
    return this.#bySite.get(site) ?? none
  }

  #forgetOne(): void {
    const all = [...this.#bySite.values()].flat()
    const first = all.reduce((a, b) => (b.until < a.until ? b : a))
    this.#remove(first)
  }

  #tell(notice: ShapingNotice): void {
    for (const listener of this.#listeners) {
      try {
        listener(notice)
      } catch (error) {
        this.#log?.error('a shaping notice could not be passed on', { id: notice.id, error: String(error) })
      }
    }
  }
}

const none: readonly ShapingNotice[] = []
const nothing: ReadonlyMap<string | null, ShapingNotice> = new Map()
