import type { Config } from '../config/index.ts'

/** What a reload does with a changed configuration. */
export type Reload =
  /** Taken up by the running processes. */
  | { readonly kind: 'live' }
  /** Taken up by new processes: those that run finish what is in the air first. */
  | { readonly kind: 'renew' }
  | { readonly kind: 'refused'; readonly because: string }

/** Judges the way from one configuration to the next. */
export function reloadOf(before: Config, next: Config): Reload {
  if (before.dataDir !== next.dataDir) return refused('dataDir', before.dataDir, next.dataDir)
  if (before.store.url !== next.store.url) return refused('store.url', before.store.url, next.store.url)
  return settledAtStart(before) === settledAtStart(next) ? { kind: 'live' } : { kind: 'renew' }
}

function refused(key: string, before: string, next: string): Reload {
  return { kind: 'refused', because: `${key} can not change while running (${before} to ${next}): stop, then start` }
}

/** What a process reads once. The rest, limits of sessions and how a listener speaks, may change under it. */
function settledAtStart({ listeners, limits, ...rest }: Config): string {
  const { maxHeaderBytes, maxHeaderFields } = limits
  const doors = listeners.map(({ name, role, host, port }) => ({ name, role, host, port }))
  return JSON.stringify({ ...rest, limits: { maxHeaderBytes, maxHeaderFields }, doors })
}
