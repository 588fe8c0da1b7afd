import { Command, Option } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import {
  type QueueDetail,
  type QueueItem,
  type QueueSelection,
  mostOfPage,
  queueGroupings,
  queueStates,
} from '../operations/queue.ts'
import type { Operations } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { eventLines, harmless, printJson, printRows } from './print.ts'
import {
  bounceCommand,
  cancelCommand,
  holdCommand,
  releaseCommand,
  rerouteCommand,
  retryCommand,
} from './queue-actions.ts'

export function queueCommand(call: Call): Command {
  return new Command('queue')
    .description('messages in custody')
    .addCommand(listCommand(call))
    .addCommand(countsCommand(call))
    .addCommand(showCommand(call))
    .addCommand(retryCommand(call))
    .addCommand(holdCommand(call))
    .addCommand(releaseCommand(call))
    .addCommand(cancelCommand(call))
    .addCommand(bounceCommand(call))
    .addCommand(rerouteCommand(call))
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list messages in custody, or tell them in groups')
    .option('--customer <id>')
    .option('--domain <name>', 'author domain')
    .option('--source <id>')
    .option('--destination <name>', 'recipient domain')
    .option('--reason <text>', 'part of why it is held, or of what a receiver said last')
    .option('--older-than <duration>', 'arrived longer ago than 90m, 4h, 2d')
    .addOption(new Option('--state <state>').choices(queueStates))
    .option('--limit <number>', 'at most so many', countOf, null)
    .addOption(new Option('--by <what>', 'groups: how many, the oldest, what is due next').choices(queueGroupings))
    .addOption(configOption())
    .addOption(jsonOption())
    .action(({ config, json = false, by, limit, ...filters }) =>
      call.withOperations(config, async (operations) => {
        if (by !== undefined) return tellGroups(call, operations, by, limit, json)
        const selection = filters satisfies QueueSelection
        const { items, next } = await pagesOf(operations, selection, limit ?? mostListed)
        printRows(call.terminal, items, { json, empty: 'the queue is empty', columns: listColumns })
        if (next) call.terminal.err(`there are more: name a filter or --limit, or ask for groups with --by\n`)
        return exitCodes.fine
      }),
    ) as unknown as Command
}

const mostListed = 10_000

const listColumns = {
  id: (row: QueueItem) => row.id,
  state: (row: QueueItem) => row.state,
  arrived: (row: QueueItem) => row.arrived,
  from: (row: QueueItem) => row.reversePath,
  customer: (row: QueueItem) => row.customer,
  recipients: (row: QueueItem) =>
    row.recipients.map((recipient) => `${recipient.address} ${recipient.state}`).join('\n'),
  reason: (row: QueueItem) =>
    row.reason ?? row.recipients.find((recipient) => recipient.lastReply !== null)?.lastReply ?? '',
}

async function pagesOf(
  operations: Operations,
  selection: QueueSelection,
  most: number,
): Promise<{ readonly items: readonly QueueItem[]; readonly next: boolean }> {
  const items: QueueItem[] = []
  let after: string | null = null
  do {
    const limit = Math.min(mostOfPage, most - items.length)
    const page = await operations.queuePage(selection, { after, limit })
    items.push(...page.items)
    after = page.next
  } while (after !== null && items.length < most)
  return { items, next: after !== null }
}

async function tellGroups(
  call: Call,
  operations: Operations,
  by: (typeof queueGroupings)[number],
  limit: number | null,
  json: boolean,
): Promise<number> {
  const summary = await operations.queueSummary(by, limit === null ? {} : { limit })
  if (json) {
    printJson(call.terminal, summary)
    return exitCodes.fine
  }
  printRows(call.terminal, summary.items, {
    json: false,
    empty: 'the queue is empty',
    columns: {
      [by]: (row) => row.name,
      messages: (row) => String(row.messages),
      recipients: (row) => String(row.recipients),
      held: (row) => String(row.held),
      oldest: (row) => row.oldest ?? '',
      'next due': (row) => row.nextDue ?? '',
    },
  })
  if (summary.groups > summary.items.length)
    call.terminal.err(`the largest ${summary.items.length} of ${summary.groups}\n`)
  return exitCodes.fine
}

function countsCommand(call: Call): Command {
  return new Command('counts')
    .description('how many messages are queued, on their way, held and damaged')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(({ config, json = false }) =>
      call.withOperations(config, async (operations) => {
        const counts = await operations.queueCounts()
        if (json) printJson(call.terminal, counts)
        else {
          const { queued, delivering, held, damaged, oldest } = counts
          call.terminal.out(
            `${queued} queued, ${delivering} of them on their way, ${held} held, ${damaged} damaged${oldest === null ? '' : `; the oldest arrived ${oldest}`}\n`,
          )
        }
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function showCommand(call: Call): Command {
  return new Command('show')
    .description('show one message: envelope, decision, attempts, header section')
    .argument('<id>')
    .option('--body', 'its body too, the first megabyte; that is written down')
    .option('--reason <text>', 'why you read it')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, { config, json = false, body = false, reason = '' }) =>
      call.withOperations(config, async (operations) => {
        if (body && reason.trim() === '') {
          call.terminal.err('say with --reason why you read it\n')
          return exitCodes.usage
        }
        const found = await operations.queued(id)
        if (found === null) {
          call.terminal.err(`${harmless(id)} is not in the queue; \`anechoic why\` may know it\n`)
          return exitCodes.findings
        }
        const shown = body ? await operations.queuedBody({ id, reason, by: 'command line' }) : null
        if (json) printJson(call.terminal, shown === null ? found : { ...found, body: shown })
        else {
          call.terminal.out(`${linesOf(found).map(harmless).join('\n')}\n`)
          if (shown !== null) {
            const text = Buffer.from(shown.base64, 'base64').toString('utf8')
            call.terminal.out(`\n${text.split(/\r?\n/).map(harmless).join('\n')}\n`)
            if (!shown.whole) call.terminal.err(`these are the first octets of ${shown.octets}\n`)
          }
        }
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function linesOf(found: QueueDetail): readonly string[] {
  const { host, port, tls } = found.route ?? { host: '', port: 0, tls: '' }
  return [
    `${found.id}  ${found.state}${found.reason === null ? '' : `: ${found.reason}`}`,
    ...(found.heldUntil === null
      ? []
      : [`held by ${found.owner ?? 'nobody named'} until ${found.heldUntil}, then: ${found.atEnd ?? 'cancel'}`]),
    ...(found.route === null ? [] : [`sent by hand to ${host} port ${port}, TLS ${tls}`]),
    `arrived ${found.arrived}, ${found.size} octets, customer ${found.customer}, source ${found.source}, domain ${found.domain}`,
    `from ${found.reversePath}`,
    ...found.recipients.map(
      (to) =>
        `  to ${to.address}: ${to.state}, ${to.attempts} attempts, due ${to.due}${to.lastReply === null ? '' : `, ${to.lastReply}`}`,
    ),
    '',
    ...found.decision,
    '',
    ...eventLines(found.events),
    '',
    ...found.header.split(/\r?\n/),
  ]
}

function countOf(text: string): number | null {
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : null
}
