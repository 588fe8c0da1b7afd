import type { Log } from '../../platform/log.ts'
import type { Registry, Snapshot } from '../../rooms/registry/index.ts'
import type { StandingBook } from '../../rooms/watch/index.ts'
import { type SignerClient, type WrappedKey, reducePolicy } from '../../signer/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { repeat } from '../waiting.ts'

/** How often the registry's version is looked at, in milliseconds: a change is live within a second, and this is one probe of an index. */
const pollMs = 100

/** The policy as this relay sees it, kept new. */
export type PolicyWatch = {
  readonly current: () => Snapshot
  stop(): Promise<void>
}

/**
 * Loads the policy, gives the signer its copy, and follows every change. While the registry can't be read the last policy stays in
 * force: it was the owners' word, and revoking needs the registry anyway.
 */
export async function watchPolicy(options: {
  readonly registry: Registry
  readonly standing: StandingBook
  readonly signer: SignerClient
  readonly operator: Domain
  readonly log: Log
  readonly onChange: () => void
}): Promise<PolicyWatch> {
  const { registry, standing, signer, operator, log } = options
  const keys = new Map<string, WrappedKey>()
  let snapshot = await registry.load()

  const takeUp = async (next: Snapshot, since: number): Promise<void> => {
    const changed = await registry.wrappedKeys(since)
    for (const key of changed.lost) keys.delete(nameOf(key))
    for (const key of changed.gained) keys.set(nameOf(key), key)
    standing.replace(await registry.standing())
    // The signer first: a permit that is newer than its copy would be turned away.
    signer.update({
      version: next.version,
      grants: reducePolicy(next.customers.values(), operator),
      keys: [...keys.values()],
    })
    snapshot = next
  }

  const look = async (): Promise<void> => {
    if ((await registry.currentVersion()) === snapshot.version) return
    const since = snapshot.version
    await takeUp(await registry.loadChanges(snapshot), since)
    log.info('policy taken up', { version: snapshot.version })
    options.onChange()
  }

  await takeUp(snapshot, 0)
  const watching = repeat(pollMs, look, (error) =>
    log.error('the registry could not be read; the last policy stays in force', { version: snapshot.version, error }),
  )
  return { current: () => snapshot, stop: () => watching.stop() }
}

function nameOf(key: { readonly domain: string; readonly selector: string }): string {
  return `${key.selector}._domainkey.${key.domain}`
}
