import { Command } from '@commander-js/extra-typings'
import type { Call } from './call.ts'

export function labCommand(call: Call): Command {
  const run = new Command('run')
    .description('run the stories in a world on loopback: one line each')
    .argument('[story...]', 'names or parts of names; all without it')
    .option('--json', 'print JSON for machines')
    .action(async (stories, options) =>
      call.finish(await call.powers.lab(['run', ...(options.json === true ? ['--json'] : []), ...stories])),
    )
  const list = new Command('list')
    .description('list the stories')
    .option('--json', 'print JSON for machines')
    .action(async (options) =>
      call.finish(await call.powers.lab(['list', ...(options.json === true ? ['--json'] : [])])),
    )
  return new Command('lab')
    .description('attacks and honest mail, played on this machine only')
    .addCommand(run as unknown as Command)
    .addCommand(list as unknown as Command)
}
