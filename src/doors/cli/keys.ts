import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printRows } from './print.ts'

export function keysCommand(call: Call): Command {
  const list = new Command('list')
    .description('list signing keys and the records to publish')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        printRows(call.terminal, await operations.keys(), {
          json: options.json ?? false,
          empty: 'no key yet: one is made when a grant first names a domain and a source',
          columns: {
            domain: (row) => row.domain,
            source: (row) => row.source,
            selector: (row) => row.selector,
            algorithm: (row) => row.algorithm,
            state: (row) => row.state,
            record: (row) => `${row.record.name} ${row.record.type}`,
          },
        })
        return exitCodes.fine
      }),
    )
  const check = new Command('check')
    .description('look the records up now, past every cache; a key whose record is there becomes active')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const checked = await operations.checkKeys()
        printRows(call.terminal, checked, {
          json: options.json ?? false,
          empty: 'no key to check',
          columns: {
            selector: (row) => row.selector,
            domain: (row) => row.domain,
            state: (row) => row.state,
            'in DNS': (row) => (row.seen ? 'yes' : 'no'),
            why: (row) => row.because,
          },
        })
        return checked.every((row) => row.seen) ? exitCodes.fine : exitCodes.findings
      }),
    )
  return new Command('keys')
    .description('signing keys')
    .addCommand(list as unknown as Command)
    .addCommand(check as unknown as Command)
}
