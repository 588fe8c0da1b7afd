import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Kysely } from 'kysely'
import type { Config } from '../../config/index.ts'
import { createApi } from '../../doors/api/app.ts'
import { newToken, openTokenBook, tokenMigrations } from '../../doors/api/tokens.ts'
import { openOutboxReader } from '../../path/custody/index.ts'
import { ruleOrder, rules } from '../../path/decision/index.ts'
import { systemClock } from '../../platform/clock.ts'
import { dnsAt, systemDns } from '../../platform/dns-system.ts'
import type { Log } from '../../platform/log.ts'
import { stderrLog } from '../../platform/pino-log.ts'
import { openStore, runMigrations } from '../../platform/sql.ts'
import { type Ledger, openLedger } from '../../rooms/ledger/index.ts'
import {
  type Registry,
  applyPolicyFile,
  migrateRegistry,
  openRegistry,
  policyContext,
} from '../../rooms/registry/index.ts'
import { ensureWrappingKey } from '../../signer/index.ts'
import { Secret } from '../../standards/secret.ts'
import type { SupervisorChannel } from '../child.ts'
import { askDesk } from '../desk-questions.ts'
import { migrateProgress, writeProgress } from '../ledger-progress.ts'
import { writeLocalAccess } from '../local-access.ts'
import { repeat, whenPortIsFree } from '../waiting.ts'
import { type KeyKeeper, openKeyKeeper } from './keys.ts'
import { openOperations } from './operations.ts'

const shard = 0
/** How long events wait in the relay's outbox at most, in milliseconds; what is asked for before is read from the outbox. */
const projectEveryMs = 250
const lookForKeysEveryMs = 1000
const hourMs = 3_600_000

/** Runs the control process: policy, API and jobs, until the supervisor says stop or is gone. */
export async function runControl(channel: SupervisorChannel): Promise<void> {
  const { config } = channel
  const log = stderrLog(config.log, 'control')
  const clock = systemClock
  const store = openStore(config.store.url)
  await migrateRegistry(store)
  await migrateProgress(store)
  await runMigrations(store, 'api', tokenMigrations)
  ensureWrappingKey(config.keys.wrapping)

  const registry = openRegistry(store, config.operator.domain, clock)
  const context = policyContext(config.operator.domain, config.providers)
  const outbox = openOutboxReader(config.dataDir, shard)
  const ledger = openLedger({ dataDir: config.dataDir, outboxes: [outbox], log })
  const keys = openKeyKeeper({
    registry,
    wrapping: config.keys.wrapping,
    dns: systemDns(config.dns.servers, config.dns.timeoutMs),
    dnsAt: (address) => dnsAt(address, config.dns.timeoutMs),
    log,
  })
  const readPolicyFile = (): Promise<void> => takePolicyFile(config, registry, keys, context, log)
  await readPolicyFile()

  const localToken = new Secret(newToken())
  const tokens = openTokenBook(store, localToken)
  const bootstrap = process.env['ANECHOIC_BOOTSTRAP_TOKEN']
  if (bootstrap !== undefined && bootstrap !== '') await tokens.bootstrap(new Secret(bootstrap), clock.now())
  const desk = askDesk(channel)
  const operations = openOperations({ registry, ledger, desk, keys, policyContext: context, policyFile: config.policy })
  const ready = (): Promise<boolean> =>
    desk.list({ state: 'damaged' }).then(
      () => true,
      () => false,
    )
  const api = createApi({ operations, tokens, rulePage, ready, log })
  const server = await serve(config, getRequestListener(api.fetch))
  const { address, port } = server.address() as AddressInfo
  writeLocalAccess(config, port, localToken)

  const trouble = (what: string) => (error: unknown) => log.error(`${what} failed`, { error })
  const jobs = [
    repeat(projectEveryMs, () => project(ledger, store), trouble('taking events into the ledger')),
    repeat(lookForKeysEveryMs, () => lookAfterKeys(keys, clock.now()), trouble('looking after keys')),
    repeat(hourMs, () => forget(ledger, config, clock.now()), trouble('forgetting what is past its retention')),
  ]
  channel.onReloadPolicy(readPolicyFile)
  channel.onStop(async () => {
    server.close()
    server.closeAllConnections()
    await Promise.all(jobs.map((job) => job.stop()))
    ledger.close()
    outbox.close()
    await store.destroy()
  })
  channel.say({ kind: 'listening', what: 'http', address, port })
  channel.say({ kind: 'ready' })
}

async function forget(ledger: Ledger, config: Config, now: number): Promise<void> {
  await ledger.dropOlderThan(now - config.retention.ledger)
  await ledger.forgetSubjectsOlderThan(now - config.retention.subjects)
}

async function project(ledger: Ledger, store: Kysely<unknown>): Promise<void> {
  for (const { shard: of, sequence } of await ledger.project()) await writeProgress(store, of, sequence)
}

async function lookAfterKeys(keys: KeyKeeper, now: number): Promise<void> {
  await keys.makeWanted()
  await keys.checkPending(now)
}

function rulePage(asked: string): ReturnType<Parameters<typeof createApi>[0]['rulePage']> {
  const id = ruleOrder.find((rule) => rule === asked)
  return id === undefined ? null : { id, ...rules[id] }
}

/** Where the configuration names a policy file, that file is the authority: taken at start and at reload; with an error in it the old policy stays. */
async function takePolicyFile(
  config: Config,
  registry: Registry,
  keys: KeyKeeper,
  context: ReturnType<typeof policyContext>,
  log: Log,
): Promise<void> {
  if (config.policy === null) return
  const answer = await applyPolicyFile(registry, config.policy, context)
  if ('problems' in answer) {
    for (const problem of answer.problems)
      log.error('the policy file has an error; the policy in force stays', { problem })
    return
  }
  for (const line of answer.plan) log.info('policy changed', { line, version: answer.version })
  await keys.makeWanted()
}

type HttpServer = ReturnType<typeof createHttpServer>

function serve(config: Config, listener: ReturnType<typeof getRequestListener>): Promise<HttpServer> {
  const { host, port, tls } = config.control
  return whenPortIsFree(
    () =>
      new Promise<HttpServer>((resolve, reject) => {
        const handle = (...pair: Parameters<typeof listener>): void => void listener(...pair)
        const server =
          tls === null
            ? createHttpServer(handle)
            : createHttpsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handle)
        server.once('error', reject)
        server.listen({ host, port }, () => {
          server.off('error', reject)
          resolve(server as HttpServer)
        })
      }),
  )
}
