import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Config, findConfig, isConfigProblems, loadConfig } from './config/index.ts'
import { type ExitCode, type Powers, exitCodes } from './doors/cli/call.ts'
import { runCommandLine } from './doors/cli/cli.ts'
import { remoteOperations } from './doors/cli/remote.ts'
import { OperationError } from './doors/operations.ts'
import { tryLock } from './platform/lock.ts'
import { stderrLog } from './platform/pino-log.ts'
import { readLocalAccess } from './processes/local-access.ts'
import { dataDirectoryLock, supervise } from './processes/supervisor.ts'
import { isPolicyProblems, policyContext, readPolicy } from './rooms/registry/index.ts'
import { Secret } from './standards/secret.ts'

const labEntry = new URL('../lab/run.ts', import.meta.url).pathname

/** What each command line verb can do, joined from the rooms. Heavy parts are loaded by who needs them. */
const powers: Powers = {
  start: async (asked) => {
    const config = configurationOr(asked)
    if (config === null) return exitCodes.usage
    const problems = policyFileProblems(config)
    if (problems.length > 0) return complain(problems)
    return supervise({
      config,
      log: stderrLog(config.log, 'supervisor'),
      announce: (line) => process.stdout.write(`${line}\n`),
      reread: () => configurationOr(asked),
    })
  },
  check: (asked, policy) => Promise.resolve(checkProblems(asked, policy)),
  operations: async (asked) => {
    const { ANECHOIC_URL: url, ANECHOIC_TOKEN: token } = process.env
    if (url !== undefined && url !== '') {
      if (token === undefined || token === '')
        throw new OperationError('usage', 'ANECHOIC_URL is set: set ANECHOIC_TOKEN too')
      return { operations: remoteOperations(url, new Secret(token)), close: () => Promise.resolve() }
    }
    const config = configurationOr(asked)
    if (config === null) throw new OperationError('usage', 'nothing was done')
    const lock = tryLock(dataDirectoryLock(config))
    if (lock === null) return { operations: operationsNearby(config), close: () => Promise.resolve() }
    const { openOffline } = await import('./processes/offline.ts')
    return openOffline(config, lock)
  },
  lab: async (args) => {
    const child = spawn(process.execPath, [labEntry, ...args], { stdio: 'inherit' })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? exitCodes.fault
  },
}

/** The server of this data directory, by the token that it left for this machine. */
function operationsNearby(config: Config): ReturnType<typeof remoteOperations> {
  try {
    const { url, token } = readLocalAccess(config)
    return remoteOperations(url, token)
  } catch (error) {
    throw new OperationError(
      'unavailable',
      `a server uses ${config.dataDir} and can not be asked yet: ${(error as Error).message}`,
    )
  }
}

/** Null when the configuration does not hold; then its problems have been told. */
function configurationOr(asked: string | null): Config | null {
  const loaded = loadConfig(findConfig(asked), process.env)
  if (!isConfigProblems(loaded)) return loaded
  complain(loaded.problems)
  return null
}

function checkProblems(asked: string | null, policy: string | null): readonly string[] {
  const loaded = loadConfig(findConfig(asked), process.env)
  if (isConfigProblems(loaded)) return loaded.problems
  return policyFileProblems(policy === null ? loaded : { ...loaded, policy })
}

function policyFileProblems(config: Config): readonly string[] {
  if (config.policy === null) return []
  try {
    const policy = readPolicy(
      readFileSync(config.policy, 'utf8'),
      config.policy,
      policyContext(config.operator.domain, config.providers),
    )
    return isPolicyProblems(policy) ? policy.lines : []
  } catch (error) {
    return [`${config.policy}:1:1 cannot be read: ${(error as Error).message}`]
  }
}

function complain(problems: readonly string[]): ExitCode {
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  return exitCodes.usage
}

const terminal = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
}
process.exit(await runCommandLine(process.argv.slice(2), powers, terminal))
