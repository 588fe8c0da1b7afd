import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printRows } from './print.ts'

/** What was looked at, and how it stands. */
export type Diagnosis = {
  readonly check: string
  readonly state: 'fine' | 'doubtful' | 'wrong'
  readonly words: string
}

export function doctorCommand(call: Call): Command {
  return new Command('doctor')
    .description(
      'look at what this installation stands on: configuration, DNS, names of our addresses, clock, disk, keys',
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const found = await call.powers.doctor(options.config ?? null)
      printRows(call.terminal, found, {
        json: options.json ?? false,
        empty: 'nothing to look at',
        columns: { check: (row) => row.check, state: (row) => row.state, what: (row) => row.words },
      })
      call.finish(found.some((one) => one.state === 'wrong') ? exitCodes.findings : exitCodes.fine)
    }) as unknown as Command
}
