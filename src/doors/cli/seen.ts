import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printRows } from './print.ts'

export function seenCommand(call: Call): Command {
  const list = new Command('list')
    .description('who was seen sending for whom, authorised or not')
    .option('--customer <id>', 'one customer only')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        printRows(call.terminal, await operations.seen({ customer: options.customer ?? null }), {
          json: options.json ?? false,
          empty: 'nothing seen yet',
          columns: {
            customer: (row) => row.customer ?? '',
            kind: (row) => row.kind,
            tenant: (row) => row.tenant ?? '',
            originator: (row) => row.originator ?? '',
            class: (row) => row.class ?? '',
            host: (row) => row.connectingHost ?? '',
            authors: (row) => row.authorDomains.join(' '),
            count: (row) => String(row.count),
            last: (row) => row.lastSeen,
            'refused by': (row) =>
              Object.entries(row.refusedBy)
                .map(([rule, count]) => `${rule}:${count}`)
                .join(' '),
            relation: (row) => row.relation,
          },
        })
        return exitCodes.fine
      }),
    )
  return new Command('seen').description('sources seen').addCommand(list as unknown as Command)
}
