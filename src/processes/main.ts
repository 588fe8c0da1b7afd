import { flushCompileCache } from 'node:module'
import { exitCodes } from '../standards/exit-codes.ts'
import { type SupervisorChannel, openSupervisorChannel } from './child.ts'
import { StartFailure } from './start-failure.ts'

/** `main.ts control|relay` is how the supervisor starts its children; it is not for people. Each loads only what it is made of. */
const name = process.argv[2]
// Whoever reads the log may go before us.
process.stderr.on('error', () => {})
const opening = openSupervisorChannel()
// Meanwhile, since the supervisor still reads the configuration.
const loading = load()
loading.catch(() => {})
const channel = await opening
try {
  const run = await loading
  await run(channel)
  // Now, since a process that is killed later would leave nothing for the next to start from.
  setTimeout(flushCompileCache, 1000).unref()
} catch (error) {
  const told = error instanceof StartFailure
  const message = told
    ? error.message
    : `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  channel.say({ kind: 'failed', message, exitCode: told ? error.exitCode : exitCodes.fault })
  // The message must reach the supervisor before the channel goes.
  setTimeout(() => process.exit(told ? error.exitCode : exitCodes.fault), 50)
}

async function load(): Promise<(channel: SupervisorChannel) => Promise<void>> {
  switch (name) {
    case 'control':
      return (await import('./control/control.ts')).runControl
    case 'relay':
      return (await import('./relay/relay.ts')).runRelay
    default:
      throw new Error('there is no such process')
  }
}
