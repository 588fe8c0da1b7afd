import type { DecisionId } from '../../decision/decision.ts'
import type { Job } from './job.ts'
import type { Places } from './places.ts'

/** Jobs in our hands that wait for a place: first come, first served at a site, and sites take turns. */
export class ReadyJobs {
  readonly #bySite = new Map<string, Job[]>()
  readonly #siteOf = new Map<DecisionId, string>()

  get size(): number {
    return this.#siteOf.size
  }

  countAt(site: string): number {
    return this.#bySite.get(site)?.length ?? 0
  }

  add(job: Job): void {
    const queue = this.#bySite.get(job.site)
    if (queue === undefined) this.#bySite.set(job.site, [job])
    else queue.push(job)
    this.#siteOf.set(job.id, job.site)
  }

  /** The next job of that site, if there is a place for it. */
  nextAt(site: string, places: Places): Job | null {
    const queue = this.#bySite.get(site)
    const job = queue?.[0]
    if (queue === undefined || job === undefined || places.roomFor(site, 'fresh') === 0) return null
    queue.shift()
    this.#siteOf.delete(job.id)
    this.#bySite.delete(site)
    if (queue.length > 0) this.#bySite.set(site, queue)
    return job
  }

  /** All jobs for which there is a place, one site after the other. */
  *startable(places: Places): Generator<Job> {
    for (let started = true; started;) {
      started = false
      for (const site of this.sites()) {
        const job = this.nextAt(site, places)
        if (job === null) continue
        started = true
        yield job
      }
    }
  }

  remove(id: DecisionId): Job | null {
    const site = this.#siteOf.get(id)
    if (site === undefined) return null
    const queue = this.#bySite.get(site) ?? []
    const at = queue.findIndex((one) => one.id === id)
    const [job] = queue.splice(at, 1)
    this.#siteOf.delete(id)
    if (queue.length === 0) this.#bySite.delete(site)
    return job ?? null
  }

  removeAt(site: string): readonly Job[] {
    const queue = this.#bySite.get(site) ?? []
    this.#bySite.delete(site)
    for (const { id } of queue) this.#siteOf.delete(id)
    return queue
  }

  removeAll(): readonly Job[] {
    return [...this.#bySite.keys()].flatMap((site) => this.removeAt(site))
  }

  sites(): readonly string[] {
    return [...this.#bySite.keys()]
  }
}
