import type { Config } from '../../config/index.ts'
import type { Custody } from '../../path/custody/index.ts'
import { DecisionIds, sealPermit } from '../../path/decision/index.ts'
import {
  type Delivery,
  type DeliverySettings,
  type WarmUpBook,
  defaultDelivery,
  startDelivery,
} from '../../path/delivery/index.ts'
import type { EvidenceRoom } from '../../path/evidence/index.ts'
import { type Path, type Rooms, openPath } from '../../path/path.ts'
import type { Dns } from '../../platform/dns.ts'
import { readCertificates } from '../../platform/trust.ts'
import type { SuppressionBook } from '../../rooms/registry/index.ts'
import type { Started } from './started.ts'
import type { OutboundTls } from './outbound-tls.ts'
import { policyAnswers } from './policy-answers.ts'
import type { PolicyWatch } from './policy-watch.ts'
import { returnAddresses } from './return-addresses.ts'
import type { ShapingKeeper } from './shaping-keeper.ts'
import type { ShardBudget, SiteBudget } from './site-budget.ts'

/** What all shards of a relay have in common. */
export type Common = Pick<Started, 'signer' | 'sealKey' | 'log' | 'clock'> &
  Pick<Rooms, 'standing' | 'counters' | 'copies'> & {
    readonly config: Config
    readonly dns: Dns
    readonly evidence: EvidenceRoom
    readonly policy: PolicyWatch
    readonly warmth: WarmUpBook
    readonly suppressions: SuppressionBook
    readonly tls: OutboundTls
    readonly shaping: ShapingKeeper
    readonly returnKey: Parameters<typeof returnAddresses>[1]
    readonly siteBudget: SiteBudget
    /** Null where this relay has the limits alone. */
    readonly shared: NonNullable<Rooms['shared']> | null
  }

/** The way of a message into a shard and out of it. */
export type Way = { readonly path: Path; readonly delivery: Delivery; readonly budget: ShardBudget | null }

/** Opens the way through a shard, whose custody is `kept`. */
export function openWay(common: Common, at: number, kept: Custody): Way {
  const { config, signer, sealKey, log, clock, dns, evidence, policy } = common
  const { standing, counters, copies, warmth, suppressions, tls, shaping, returnKey, siteBudget, shared } = common
  const now = (): number => clock.now()
  let delivery: Delivery | null = null
  const budget = config.workers === 1 ? null : siteBudget.forShard()
  const path = openPath({
    evidence,
    policy: policy.current,
    standing,
    counters,
    copies,
    shared,
    suppressions,
    custody: kept,
    carry: (message, body) => delivery?.offer(message, body),
    ids: new DecisionIds(now, at, Math.random),
    clock,
    log,
    operator: config.operator.domain,
    holdFor: config.retention.heldBodies,
  })
  delivery = startDelivery({
    custody: kept,
    signer,
    rejudge: path.rejudge,
    seal: (permit, key, input) => sealPermit(permit, key, input, sealKey, now()),
    admitOwn: path.admitOwn,
    returnAddress: returnAddresses(path, returnKey, clock),
    dns,
    protections: tls.protections,
    warmth,
    shaping: { ...shaping.choice, ...(budget === null ? {} : { budget }) },
    ...policyAnswers(policy.current, suppressions, now),
    clock,
    log,
    settings: deliverySettings(config, tls.roots),
    hostname: config.hostname,
    operatorDomain: config.operator.domain,
  })
  const carrier = delivery
  budget?.readCounts((passage) => carrier.connectionsAt(passage))
  shaping.join(delivery.shaping)
  return { path, delivery, budget }
}

function deliverySettings(config: Config, tlsRoots: readonly string[] | null): DeliverySettings {
  const { routes, port, sourceAddresses, pools, retry } = config.delivery
  return {
    ...defaultDelivery,
    routes: routes.map(({ tlsCa, ...route }) =>
      tlsCa === null ? route : { ...route, roots: readCertificates(tlsCa) },
    ),
    tlsRoots,
    port,
    sourceAddresses,
    pools,
    retry,
    ownListeners: config.listeners.map((one) => ({ address: one.host, port: one.port })),
    holdFor: config.retention.heldBodies,
  }
}
