import { Command } from '@commander-js/extra-typings'
import { type Call, configOption } from './call.ts'

export function startCommand(call: Call): Command {
  return new Command('start')
    .description('run the relay until it is told to stop (SIGTERM); SIGHUP reloads configuration and policy')
    .addOption(configOption())
    .action(async (options) => call.finish(await call.powers.start(options.config ?? null))) as unknown as Command
}
