import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printJson } from './print.ts'

export function exportCommand(call: Call): Command {
  return new Command('export')
    .description('print the policy as YAML that can be applied again')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const policy = await operations.exportPolicy()
        if (options.json === true) printJson(call.terminal, { policy })
        else call.terminal.out(policy.endsWith('\n') ? policy : `${policy}\n`)
        return exitCodes.fine
      }),
    ) as unknown as Command
}
