import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printRows } from './print.ts'

export function domainsCommand(call: Call): Command {
  const list = new Command('list')
    .description('list domains, their proof and the record that gives it')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        printRows(call.terminal, await operations.domains(), {
          json: options.json ?? false,
          empty: 'no domain yet: `anechoic apply` a policy that names one',
          columns: {
            domain: (row) => row.domain,
            customer: (row) => row.customer,
            proof: (row) => row.proof,
            status: (row) => row.status,
            record: (row) => (row.record === null ? '' : `${row.record.name} ${row.record.type} ${row.record.value}`),
          },
        })
        return exitCodes.fine
      }),
    )
  return new Command('domains').description('domains of customers').addCommand(list as unknown as Command)
}
