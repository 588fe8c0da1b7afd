import type { Log } from '../../platform/log.ts'
import type { Registry, Snapshot } from '../../rooms/registry/index.ts'
import type { StandingBook } from '../../rooms/watch/index.ts'
import { type SignerClient, grantChange, reducePolicy } from '../../signer/index.ts'
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
 * Loads the policy, shows it to the signer, and follows every change, at the cost of what changed. While the registry can't be read the
 * last policy stays in force: it was the owners' word, and revoking needs the registry anyway.
 */
export async function watchPolicy(options: {
  readonly registry: Registry
  readonly standing: StandingBook
  readonly signer: SignerClient
  readonly operator: Domain
  readonly log: Log
  /** Told the ids of the customers that changed. */
  readonly onChange: (customers: readonly string[]) => void
}): Promise<PolicyWatch> {
  const { registry, standing, signer, operator, log } = options
  let snapshot = await registry.load()
  standing.replace(await registry.standing())
  signer.follow({
    copy: () => ({ version: snapshot.version, grants: reducePolicy(snapshot.customers.values(), operator) }),
    activeKey: (name) => registry.activeKey(name),
  })

  const look = async (): Promise<void> => {
    if ((await registry.currentVersion()) === snapshot.version) return
    const news = await registry.loadChanges(snapshot)
    if (news.standing !== null) standing.replace(news.standing)
    const grantsIn = (policy: Snapshot) =>
      reducePolicy(
        news.customers.flatMap((id) => policy.customers.get(id) ?? []),
        operator,
      )
    const { version } = news.snapshot
    // The signer first: a permit that is newer than its copy would be turned away.
    signer.update({ version, ...grantChange(grantsIn(snapshot), grantsIn(news.snapshot)), lostKeys: news.lostKeys })
    snapshot = news.snapshot
    log.info('policy taken up', { version })
    options.onChange(news.customers)
  }

  const watching = repeat(pollMs, look, (error) =>
    log.error('the registry could not be read; the last policy stays in force', { version: snapshot.version, error }),
  )
  return { current: () => snapshot, stop: () => watching.stop() }
}
