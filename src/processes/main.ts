import { exitCodes } from '../doors/cli/call.ts'
import { openSupervisorChannel } from './child.ts'

/** `main.ts control|relay` is how the supervisor starts its children; it is not for people. Each loads only what it is made of. */
const name = process.argv[2]
const channel = await openSupervisorChannel()
try {
  if (name === 'control') await (await import('./control/control.ts')).runControl(channel)
  else if (name === 'relay') await (await import('./relay/relay.ts')).runRelay(channel)
  else throw new Error('there is no such process')
} catch (error) {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  channel.say({ kind: 'failed', message: `${name}: ${message}`, exitCode: exitCodes.fault })
  // The message must reach the supervisor before the channel goes.
  setTimeout(() => process.exit(exitCodes.fault), 50)
}
