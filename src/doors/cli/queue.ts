import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import type { Operations, QueueItem, QueueSelection } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { agreed } from './agree.ts'
import { harmless, printJson, printRows } from './print.ts'

export function queueCommand(call: Call): Command {
  return new Command('queue')
    .description('messages in custody')
    .addCommand(listCommand(call))
    .addCommand(showCommand(call))
    .addCommand(
      actCommand(call, 'hold', 'keep a message from being delivered', (operations, id, reason) =>
        operations.holdMessage(id, reason, 'command line'),
      ),
    )
    .addCommand(
      actCommand(call, 'release', 'let a held message go', (operations, id) =>
        operations.releaseMessage(id, 'command line'),
      ),
    )
    .addCommand(
      actCommand(call, 'cancel', 'give a message up and tell its sender', (operations, id) =>
        operations.cancelMessage(id, 'command line'),
      ),
    )
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list messages in custody')
    .option('--customer <id>')
    .option('--domain <name>', 'author domain')
    .option('--source <id>')
    .option('--destination <name>', 'recipient domain')
    .option('--reason <text>', 'part of the hold reason')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const { config: _config, json, ...selection } = options
        printRows(call.terminal, await operations.queue(selection satisfies QueueSelection), {
          json: json ?? false,
          empty: 'the queue is empty',
          columns: {
            id: (row) => row.id,
            state: (row) => row.state,
            arrived: (row) => row.arrived,
            from: (row) => row.reversePath,
            customer: (row) => row.customer,
            recipients: (row) =>
              row.recipients.map((recipient) => `${recipient.address} ${recipient.state}`).join('\n'),
            reason: reasonOf,
          },
        })
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function showCommand(call: Call): Command {
  return new Command('show')
    .description('show one message: envelope, attempts, header section')
    .argument('<id>')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, options) =>
      call.withOperations(options.config, async (operations) => {
        const found = await operations.queued(id)
        if (found === null) {
          call.terminal.err(`${harmless(id)} is not in the queue; \`anechoic why\` may know it\n`)
          return exitCodes.findings
        }
        if (options.json === true) {
          printJson(call.terminal, found)
          return exitCodes.fine
        }
        const lines = [
          `${found.id}  ${found.state}${found.reason === null ? '' : `: ${found.reason}`}`,
          `arrived ${found.arrived}, ${found.size} octets, customer ${found.customer}, source ${found.source}, domain ${found.domain}`,
          `from ${found.reversePath}`,
          ...found.recipients.map(
            (to) =>
              `  to ${to.address}: ${to.state}, ${to.attempts} attempts, due ${to.due}${to.lastReply === null ? '' : `, ${to.lastReply}`}`,
          ),
          '',
          ...found.events.map((event) => `${event.at}  ${event.kind}  ${event.words}`),
          '',
          ...found.header.split(/\r?\n/),
        ]
        call.terminal.out(`${lines.map(harmless).join('\n')}\n`)
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function actCommand(
  call: Call,
  name: 'hold' | 'release' | 'cancel',
  description: string,
  act: (operations: Operations, id: string, reason: string) => Promise<boolean>,
): Command {
  return new Command(name)
    .description(description)
    .argument('[id]', 'one message; without it the filters choose')
    .option('--customer <id>')
    .option('--domain <name>', 'author domain')
    .option('--source <id>')
    .option('--destination <name>', 'recipient domain')
    .option('--reason <text>', 'the reason that the queue gives; with an id, why you do it')
    .option('--because <text>', 'why you do it, for the record')
    .option('--dry-run', 'only tell which messages it would be')
    .option('--yes', 'do not ask')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, options) =>
      call.withOperations(options.config, async (operations) => {
        const { customer, domain, source, destination, reason } = options
        const selection = { customer, domain, source, destination, reason }
        const ids = id === undefined ? await idsOf(operations, selection, name) : [id]
        const because = options.because ?? (id === undefined ? undefined : reason) ?? 'by hand'
        if (ids === null) {
          call.terminal.err(`name a message or a filter: \`anechoic queue ${name}\` never takes the whole queue\n`)
          return exitCodes.usage
        }
        if (options.dryRun === true) return tell(call, options.json ?? false, name, ids, true)
        if (name === 'cancel' && options.yes !== true && !(await mayCancel(call, ids.length))) return exitCodes.usage
        const done: string[] = []
        for (const one of ids) if (await act(operations, one, because)) done.push(one)
        tell(call, options.json ?? false, name, done, false)
        if (done.length === ids.length) return exitCodes.fine
        call.terminal.err(
          `${ids.length - done.length} of ${ids.length} could not be changed: gone, or not in that state\n`,
        )
        return exitCodes.findings
      }),
    ) as unknown as Command
}

/** What is cancelled is gone, so a person is asked, and a script must say it beforehand. */
async function mayCancel(call: Call, count: number): Promise<boolean> {
  const what = `cancelling ${count === 1 ? 'a message' : `${count} messages`} can't be undone`
  if (process.stdin.isTTY && (await agreed(`${what}; do it?`))) return true
  call.terminal.err(`${what}: pass --yes (or --dry-run to see which)\n`)
  return false
}

/** Ids of what the filter names and the verb can change, or null when there is no filter at all. */
async function idsOf(
  operations: Operations,
  given: { readonly [name in keyof QueueSelection]: string | undefined },
  verb: 'hold' | 'release' | 'cancel',
): Promise<readonly string[] | null> {
  const selection = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as QueueSelection
  if (Object.keys(selection).length === 0) return null
  const rows = await operations.queue(selection)
  return rows.filter((row) => verb !== 'release' || row.state === 'held').map((row) => row.id)
}

function tell(call: Call, json: boolean, name: string, ids: readonly string[], dryRun: boolean): number {
  if (json) printJson(call.terminal, { [dryRun ? 'would' : 'done']: name, ids })
  else
    call.terminal.out(
      `${dryRun ? 'would ' : ''}${name}: ${ids.length === 0 ? 'nothing' : ids.map(harmless).join(' ')}\n`,
    )
  return exitCodes.fine
}

function reasonOf(row: QueueItem): string {
  return row.reason ?? row.recipients.find((recipient) => recipient.lastReply !== null)?.lastReply ?? ''
}
