import { randomBytes } from 'node:crypto'
import { openCustody } from '../../path/custody/index.ts'
import { systemClock } from '../../platform/clock.ts'
import { stderrLog } from '../../platform/pino-log.ts'
import { ensureWrappingKey, startSigner } from '../../signer/index.ts'
import { Secret } from '../../standards/secret.ts'
import type { SupervisorChannel } from '../child.ts'
import { shardOf } from '../messages.ts'
import { orFailure } from '../start-failure.ts'

/**
 * Runs the relay process, until the supervisor says stop or is gone. The signer and custody's threads start first: they come up beside
 * this thread while it loads the rest, and a relay that crashed is back sooner.
 */
export async function runRelay(channel: SupervisorChannel): Promise<void> {
  const { config, name } = channel
  if (name === 'control') throw new Error('a relay can not be told to be control')
  const shard = shardOf(name)
  const log = stderrLog(config.log, config.workers === 1 ? 'relay' : name)
  const clock = systemClock
  await orFailure('keys.wrapping', () => ensureWrappingKey(config.keys.wrapping))
  const sealKey = new Secret(randomBytes(32))
  const signer = startSigner({ wrapping: config.keys.wrapping, sealKey }, log)
  const custody = openCustody({ dataDir: config.dataDir, shard, log, clock })
  // Awaited later; until then nobody would hear of it.
  custody.catch(() => {})
  const { composeRelay } = await import('./compose.ts')
  await composeRelay(channel, { shard, signer, sealKey, custody: await custody, log, clock })
}
