import { readFile } from 'node:fs/promises'
import { Command } from '@commander-js/extra-typings'
import { formatCsvRow } from '../../standards/csv/csv.ts'
import { type ExitCode, exitCodes } from '../../standards/exit-codes.ts'
import { OperationError, type Operations } from '../operations.ts'
import type { SuppressionAnswer, SuppressionPage, SuppressionRow } from '../operations/suppressions.ts'
import { agreed } from './agree.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printJson, printRows } from './print.ts'

/** Rows asked for at once. */
const pageRows = 1000

export function suppressionsCommand(call: Call): Command {
  return new Command('suppressions')
    .description('addresses that a customer does not write to')
    .addCommand(listCommand(call))
    .addCommand(addCommand(call))
    .addCommand(removeCommand(call))
    .addCommand(importCommand(call))
    .addCommand(exportCommand(call)) as unknown as Command
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list addresses with reason, end and author')
    .requiredOption('--customer <id>')
    .option('--reason <reason>', 'hard-bounce, complaint, manual or unsubscribe')
    .option('--limit <number>', 'at most so many', '1000')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const rows: SuppressionRow[] = []
        const most = Number(options.limit) || pageRows
        for await (const page of pagesOf(operations, options.customer, options.reason ?? null)) {
          rows.push(...page.items)
          if (rows.length >= most) break
        }
        printRows(call.terminal, rows.slice(0, most), {
          json: options.json ?? false,
          empty: 'no address is on the list',
          columns: {
            address: (row) => row.address,
            reason: (row) => row.reason,
            since: (row) => row.since,
            until: (row) => row.until ?? '',
            by: (row) => row.author,
            note: (row) => row.note,
            message: (row) => row.event ?? '',
          },
        })
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function addCommand(call: Call): Command {
  return new Command('add')
    .description('put addresses on the list')
    .argument('<address...>')
    .requiredOption('--customer <id>')
    .option('--reason <reason>', 'hard-bounce, complaint, manual or unsubscribe', 'manual')
    .option('--until <moment>', 'when it ends, as 2027-01-31T00:00:00Z; for ever where it is not given')
    .option('--note <text>', 'why, for the record', '')
    .option('--dry-run', 'only tell what it would be')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((addresses, options) =>
      call.withOperations(options.config, async (operations) => {
        const { customer, reason, note, until } = options
        const entries = addresses.map((address) => ({ address, reason, note, until: until ?? null }))
        const dryRun = options.dryRun ?? false
        const answer = await operations.addSuppressions({ customer, entries, dryRun, by: 'command line' })
        return tell(call, answer, 'put on the list', options.json ?? false)
      }),
    ) as unknown as Command
}

function removeCommand(call: Call): Command {
  return new Command('remove')
    .description('take addresses off the list: mail to them goes out again')
    .argument('<address...>')
    .requiredOption('--customer <id>')
    .option('--note <text>', 'why, for the record', '')
    .option('--dry-run', 'only tell what it would be')
    .option('--yes', 'do not ask')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((addresses, options) =>
      call.withOperations(options.config, async (operations) => {
        const request = { customer: options.customer, addresses, note: options.note, by: 'command line' }
        const planned = await operations.removeSuppressions({ ...request, dryRun: true })
        const json = options.json ?? false
        const isAsked = options.dryRun === true || planned === null || planned.kind === 'invalid'
        if (isAsked) return tell(call, planned, 'taken off the list', json)
        if (options.yes !== true && !(await mayRemove(call, planned.changed))) return exitCodes.usage
        return tell(
          call,
          await operations.removeSuppressions({ ...request, dryRun: false }),
          'taken off the list',
          json,
        )
      }),
    ) as unknown as Command
}

function importCommand(call: Call): Command {
  return new Command('import')
    .description(
      'put the addresses of a CSV file on the list: address, reason, until, note; only the address must be there',
    )
    .argument('<file>', 'CSV file, with or without a line that names the columns')
    .requiredOption('--customer <id>')
    .option('--dry-run', 'only tell what it would be')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((file, options) =>
      call.withOperations(options.config, async (operations) => {
        const text = await readFile(file, 'utf8').catch((error: unknown) => {
          throw new OperationError('usage', `${file} cannot be read: ${(error as Error).message}`)
        })
        const request = { customer: options.customer, text, dryRun: options.dryRun ?? false, by: 'command line' }
        return tell(call, await operations.importSuppressions(request), 'put on the list', options.json ?? false)
      }),
    ) as unknown as Command
}

function exportCommand(call: Call): Command {
  return new Command('export')
    .description('print the list as CSV')
    .requiredOption('--customer <id>')
    .addOption(configOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        await call.terminal.pour(formatCsvRow(['address', 'reason', 'since', 'until', 'note', 'event', 'author']))
        for await (const page of pagesOf(operations, options.customer, null)) {
          const rows = page.items.map(({ address, reason, since, until, note, event, author }) =>
            formatCsvRow([address, reason, since, until ?? '', note, event ?? '', author]),
          )
          await call.terminal.pour(rows.join(''))
        }
        return exitCodes.fine
      }),
    ) as unknown as Command
}

async function* pagesOf(
  operations: Operations,
  customer: string,
  reason: string | null,
): AsyncGenerator<SuppressionPage> {
  for (let after: string | null = null; ;) {
    const page: SuppressionPage | null = await operations.suppressions({ customer, after, limit: pageRows, reason })
    if (page === null) throw new OperationError('usage', `there is no customer ${harmless(customer)}`)
    yield page
    if (page.next === null) return
    after = page.next
  }
}

async function mayRemove(call: Call, count: number): Promise<boolean> {
  const what = `${count} of them would be taken off, and mail to them goes out again`
  if (process.stdin.isTTY && (await agreed(`${what}. Do it?`))) return true
  call.terminal.err(`${what}: pass --yes (or --dry-run to see)\n`)
  return false
}

function tell(call: Call, answer: SuppressionAnswer | null, done: string, json: boolean): ExitCode {
  if (answer === null) {
    call.terminal.err('there is no such customer\n')
    return exitCodes.usage
  }
  if (json) printJson(call.terminal, answer)
  else if (answer.kind === 'invalid') {
    for (const words of answer.problems) call.terminal.err(`${harmless(words)}\n`)
    call.terminal.err('nothing was changed\n')
  } else {
    const would = answer.kind === 'planned' ? 'would be ' : ''
    call.terminal.out(`${would}${done}: ${answer.changed}; as it was: ${answer.unchanged}\n`)
  }
  return answer.kind === 'invalid' ? exitCodes.findings : exitCodes.fine
}
