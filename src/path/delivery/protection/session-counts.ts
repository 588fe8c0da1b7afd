import type { Clock } from '../../../platform/clock.ts'
import type { Log } from '../../../platform/log.ts'
import type { SessionResult } from './protections.ts'
import type { TlsStore, TlsTables } from './tls-store.ts'

export type SessionRow = TlsTables['tls_session']

/** How sessions at servers of other domains came out, by UTC day: what TLS reports are written from (RFC 8460). */
export type SessionCounts = {
  note(result: SessionResult): void
  /** Writes what was noted since. Where that fails it is kept for the next time. */
  write(): Promise<void>
}

/** More ways in which sessions of a few seconds came out than this are not told apart; the rest are left out of the reports. */
const maxRows = 10_000

/** Counts in memory, so that a session costs no write; what is not written when a process dies is lost to the reports, and to nothing else. */
export function countSessions(store: TlsStore, clock: Clock, log: Log): SessionCounts {
  let rows = new Map<string, SessionRow>()
  const add = (row: SessionRow): void => {
    const key = JSON.stringify([row.day, row.domain, row.policy, row.result, row.sending_ip, row.mx, row.receiving_ip])
    const known = rows.get(key)
    if (known !== undefined) known.sessions += row.sessions
    else if (rows.size < maxRows) rows.set(key, row)
  }
  return {
    note: (result) => {
      const row = rowOf(result, clock.now())
      if (row !== null) add(row)
    },
    write: async () => {
      if (rows.size === 0) return
      const batch = [...rows.values()]
      rows = new Map()
      try {
        await store.transaction().execute(async (transaction) => {
          for (const row of batch) {
            await transaction
              .insertInto('tls_session')
              .values(row)
              .onConflict((conflict) =>
                conflict
                  .columns(['day', 'domain', 'policy_type', 'policy', 'result', 'sending_ip', 'mx', 'receiving_ip'])
                  .doUpdateSet((build) => ({ sessions: build('tls_session.sessions', '+', row.sessions) })),
              )
              .execute()
          }
        })
      } catch (error) {
        log.warn('results of TLS sessions could not be kept yet', { error: String(error) })
        for (const row of batch) add(row)
      }
    },
  }
}

/** `2026-11-24`, in UTC. */
export function dayOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10)
}

function rowOf({ wanted, domain, target, verdict, addresses }: SessionResult, now: number): SessionRow | null {
  const { published } = wanted
  if (published === null) return null
  const { failure } = verdict
  const common = {
    day: dayOf(now),
    domain,
    policy_type: published.type,
    policy: JSON.stringify(published),
    sessions: 1,
  }
  // Of what went well the report tells the number alone.
  if (failure === null) return { ...common, result: 'success', sending_ip: '', mx: '', receiving_ip: '', words: '' }
  return {
    ...common,
    result: failure.type,
    sending_ip: addresses.ours,
    mx: target.name,
    receiving_ip: addresses.theirs,
    words: failure.because.slice(0, 300),
  }
}
