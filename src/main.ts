import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config/index.ts'
import type { Powers } from './doors/cli/call.ts'
import { runCommandLine } from './doors/cli/cli.ts'
import { remoteOperations } from './doors/cli/remote.ts'
import { OperationError } from './doors/operations.ts'
import { dismiss, spawnAhead } from './processes/ahead.ts'
import { listenForSignals } from './processes/signals.ts'
import { StartFailure } from './processes/start-failure.ts'
import { exitCodes } from './standards/exit-codes.ts'
import { Secret } from './standards/secret.ts'

/** Where a checkout has its lab; the program runs without it. */
const labEntry = join(import.meta.dirname, '..', 'lab', 'run.ts')

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  readonly version: string
}

/** What each command line verb can do, joined from the rooms. Heavy parts are loaded by who needs them. */
const powers: Powers = {
  version,
  start: async (file) => {
    const asked = listenForSignals()
    // Before anything else: they load while the configuration is read.
    const ahead = spawnAhead()
    const read = await configurationReader(file, true)
    const config = read()
    if (config === null) {
      dismiss(ahead)
      return exitCodes.usage
    }
    const { supervise } = await import('./processes/supervisor.ts')
    const { stderrLog } = await import('./platform/pino-log.ts')
    const options = {
      config,
      ahead,
      asked,
      log: stderrLog(config.log, 'supervisor'),
      announce: (line: string) => terminal.out(`${line}\n`),
      complain: (line: string) => terminal.err(`${line}\n`),
      reread: read,
    }
    return supervise(options).catch(asUsage)
  },
  check: checkProblems,
  doctor: async (asked) => {
    const problems = await checkProblems(asked, null)
    const config = await configuration(asked)
    const { diagnose } = await import('./processes/doctor.ts')
    return diagnose(config, problems)
  },
  operations: async (asked) => {
    const { ANECHOIC_URL: url, ANECHOIC_TOKEN: token } = process.env
    if (url !== undefined && url !== '') {
      if (token === undefined || token === '')
        throw new OperationError('usage', 'ANECHOIC_URL is set: set ANECHOIC_TOKEN too')
      return { operations: remoteOperations(url, new Secret(token)), close: () => Promise.resolve() }
    }
    const config = await configuration(asked)
    const { openNearby } = await import('./processes/nearby.ts')
    return openNearby(config).catch(asUsage)
  },
  verifier: async (asked) => {
    const { openVerifier } = await import('./processes/verifier.ts')
    return openVerifier(async () => {
      const config = await configuration(asked)
      const { cachedDns } = await import('./platform/dns-system.ts')
      const { systemClock } = await import('./platform/clock.ts')
      return cachedDns(config.dns.servers, config.dns.timeoutMs, systemClock)
    })
  },
  backup: async (asked, directory, what) => {
    const { backUp } = await import('./processes/backup/backup.ts')
    return backUp(await configuration(asked), directory, { version, ...what }).catch(asUsage)
  },
  restore: async (asked, directory, dryRun) => {
    const { restore } = await import('./processes/backup/restore.ts')
    return restore(await configuration(asked), directory, dryRun).catch(asUsage)
  },
  lab: async (args) => {
    if (!existsSync(labEntry)) throw new OperationError('usage', 'the lab is in a checkout of the project only')
    const child = spawn(process.execPath, [labEntry, ...args], { stdio: 'inherit' })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? exitCodes.fault
  },
}

/** Throws `OperationError` when it does not hold; then its problems have been told. */
async function configuration(asked: string | null): Promise<Config> {
  const config = (await configurationReader(asked, false))()
  if (config === null) throw new OperationError('usage', 'nothing was done')
  return config
}

/** What a person can put right is told in a line, without a stack. */
function asUsage(error: unknown): never {
  throw error instanceof StartFailure ? new OperationError('usage', error.message) : error
}

/** Reads to null when the configuration does not hold; then its problems have been told. */
async function configurationReader(asked: string | null, opensFiles: boolean): Promise<() => Config | null> {
  const { findConfig, here, isConfigProblems, loadConfig } = await import('./config/index.ts')
  return () => {
    const loaded = loadConfig(findConfig(asked), process.env, { ...here(), opensFiles })
    if (!isConfigProblems(loaded)) return loaded
    for (const problem of loaded.problems) terminal.err(`${problem}\n`)
    return null
  }
}

async function checkProblems(asked: string | null, policy: string | null): Promise<readonly string[]> {
  const { findConfig, here, isConfigProblems, loadConfig } = await import('./config/index.ts')
  const config = loadConfig(findConfig(asked), process.env, { ...here(), opensFiles: true })
  if (isConfigProblems(config)) return config.problems
  const { readShaping } = await import('./processes/shaping-profiles.ts')
  const shaping = policy === null ? readShaping(config.delivery.shaping).problems : []
  const file = policy ?? config.policy
  if (file === null) return shaping
  const { isPolicyProblems, policyContext, readPolicy } = await import('./rooms/registry/index.ts')
  try {
    const { poolNames } = await import('./processes/pool-names.ts')
    const context = policyContext(config.operator.domain, config.providers, poolNames(config))
    const read = await readPolicy(readFileSync(file, 'utf8'), file, context)
    return [...shaping, ...(isPolicyProblems(read) ? read.lines : [])]
  } catch (error) {
    return [...shaping, `${file}:1:1 cannot be read: ${(error as Error).message}`]
  }
}

const terminal = {
  out: (text: string): void => void process.stdout.write(text),
  err: (text: string): void => void process.stderr.write(text),
  pour: (text: string): Promise<void> => new Promise((resolve) => process.stdout.write(text, () => resolve())),
  input: (): AsyncIterable<Buffer> => process.stdin,
}
// Whoever reads what we write may go before us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
process.exit(await runCommandLine(process.argv.slice(2), powers, terminal))
