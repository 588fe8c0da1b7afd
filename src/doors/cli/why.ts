import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { eventLines, harmless, printJson } from './print.ts'

export function whyCommand(call: Call): Command {
  return new Command('why')
    .description('tell in words why a message was taken or refused, and what became of it')
    .argument('<id>', 'the id in parentheses at the end of the reply')
    .option('--replay', 'judge it again from the ledger and compare')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, options) =>
      call.withOperations(options.config, async (operations) => {
        const story = await operations.why(id, { replay: options.replay ?? false })
        if (story === null) {
          call.terminal.err(`nothing is known of ${harmless(id)}\n`)
          return exitCodes.findings
        }
        if (options.json === true) printJson(call.terminal, story)
        else {
          const events = eventLines(story.events)
          const replay = story.replay
          const judged =
            replay === null
              ? []
              : [`judged again: ${replay.verdict} [${replay.rule}], ${replay.same ? 'the same' : 'NOT THE SAME'}`]
          const lines = [...story.words, ...(events.length === 0 ? [] : ['', ...events]), ...judged]
          call.terminal.out(`${lines.map(harmless).join('\n')}\n`)
        }
        return story.replay === null || story.replay.same ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}
