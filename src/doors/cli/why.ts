import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import type { Operations, Story } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { eventLines, harmless, printJson } from './print.ts'

export function whyCommand(call: Call): Command {
  return new Command('why')
    .description('tell in words why a message was taken or refused, and what became of it')
    .argument('[id]', 'the id in parentheses at the end of the reply, which is also the one in our Received field')
    .option('--message-id <id>', 'the Message-ID of the message instead: every decision about it')
    .option('--replay', 'judge it again from the ledger and compare')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, { config, messageId, json = false, replay = false }) =>
      call.withOperations(config, async (operations) => {
        if ((id === undefined) === (messageId === undefined)) {
          call.terminal.err('name an id, or a Message-ID with --message-id\n')
          return exitCodes.usage
        }
        const stories = await storiesOf(operations, id, messageId, replay)
        if (stories.length === 0) {
          call.terminal.err(`nothing is known of ${harmless(id ?? messageId ?? '')}\n`)
          return exitCodes.findings
        }
        if (json) printJson(call.terminal, messageId === undefined ? stories[0] : stories)
        else call.terminal.out(`${stories.map((story) => linesOf(story).map(harmless).join('\n')).join('\n\n')}\n`)
        return stories.every((story) => story.replay?.same !== false) ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}

async function storiesOf(
  operations: Operations,
  id: string | undefined,
  messageId: string | undefined,
  replay: boolean,
): Promise<readonly Story[]> {
  const ids = messageId === undefined ? [id ?? ''] : await operations.idsOfMessageId(messageId)
  const stories: Story[] = []
  for (const one of ids) {
    const story = await operations.why(one, { replay })
    if (story !== null) stories.push(story)
  }
  return stories
}

function linesOf({ words, events, replay }: Story): readonly string[] {
  const judged =
    replay === null
      ? []
      : [`judged again: ${replay.verdict} [${replay.rule}], ${replay.same ? 'the same' : 'NOT THE SAME'}`]
  return [...words, ...(events.length === 0 ? [] : ['', ...eventLines(events)]), ...judged]
}
