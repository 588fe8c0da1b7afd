import type { Custody } from '../../path/custody/index.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import type { SignerClient } from '../../signer/index.ts'
import type { Secret } from '../../standards/secret.ts'

/** What is started before the rest is loaded. */
export type Started = {
  readonly shard: number
  readonly signer: SignerClient
  readonly sealKey: Secret<Buffer>
  readonly custody: Custody
  readonly log: Log
  readonly clock: Clock
}
