import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printJson } from './print.ts'

export function checkCommand(call: Call): Command {
  return new Command('check')
    .description('validate the configuration and its policy file, or the policy file given')
    .argument('[policy]', 'a policy file')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (policy, options) => {
      const problems = await call.powers.check(options.config ?? null, policy ?? null)
      if (options.json === true) printJson(call.terminal, { problems })
      else if (problems.length === 0) call.terminal.out('no problem found\n')
      else for (const problem of problems) call.terminal.err(`${problem}\n`)
      call.finish(problems.length === 0 ? exitCodes.fine : exitCodes.usage)
    }) as unknown as Command
}
