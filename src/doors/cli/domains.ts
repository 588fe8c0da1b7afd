import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import type { DomainCheck, DomainDetail, DomainRow } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printJson, printRows } from './print.ts'

export function domainsCommand(call: Call): Command {
  return new Command('domains')
    .description('domains of customers, and how they are proved')
    .addCommand(listCommand(call))
    .addCommand(showCommand(call))
    .addCommand(checkCommand(call))
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list domains, the state of their proof and the record that gives it')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        printRows(call.terminal, await operations.domains(), {
          json: options.json ?? false,
          empty: 'no domain yet: `anechoic apply` a policy that names one',
          columns: {
            ...headColumns,
            record: (row) => (row.record === null ? '' : `${row.record.name} ${row.record.type} ${row.record.value}`),
            trouble: (row) => row.trouble ?? '',
          },
        })
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function showCommand(call: Call): Command {
  return new Command('show')
    .description('show a domain, and what happened to its proof')
    .argument('<name>', 'domain')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((name, options) =>
      call.withOperations(options.config, async (operations) => {
        const found = await operations.domain(name)
        if (options.json === true) printJson(call.terminal, found)
        else if (found.length === 0) call.terminal.err(`${harmless(name)} is no domain of the policy\n`)
        else for (const domain of found) tell(call, domain)
        return found.length === 0 ? exitCodes.findings : exitCodes.fine
      }),
    ) as unknown as Command
}

function checkCommand(call: Call): Command {
  return new Command('check')
    .description('look for the records that prove domains now, past every cache')
    .argument('[name...]', 'domains; all when none is named')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((names, options) =>
      call.withOperations(options.config, async (operations) => {
        const checked = await operations.checkDomains(names.length === 0 ? null : names)
        printRows(call.terminal, checked, {
          json: options.json ?? false,
          empty: names.length === 0 ? 'no domain to check' : 'none of these is a domain of the policy',
          columns: { ...headColumns, 'in DNS': (row) => (row.seen ? 'yes' : 'no'), why: (row) => row.because },
        })
        const beside = checked.flatMap((row) => row.returnPathRecords)
        if (beside.length > 0 && options.json !== true) tellReturnPaths(call, beside)
        const fine =
          checked.length > 0 &&
          checked.every(({ state }) => state === 'proven' || state === 'asserted') &&
          beside.every(({ seen }) => seen)
        return fine ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}

/** Reports about the mail of a customer come back only where these stand. */
function tellReturnPaths(call: Call, records: DomainCheck['returnPathRecords']): void {
  call.terminal.out('\nfor the return path, to be published by the owner:\n')
  for (const { name, type, value, seen, because } of records) {
    call.terminal.out(`${harmless(`  ${name}  ${type}  ${value}  ${seen ? 'is there' : 'MISSING'}: ${because}`)}\n`)
  }
}

const headColumns = {
  domain: (row: DomainRow) => row.domain,
  customer: (row: DomainRow) => row.customer ?? '(the operator)',
  proof: (row: DomainRow) => row.proof,
  state: (row: DomainRow) => row.state,
  lapses: (row: DomainRow) => row.lapses ?? '',
}

function tell(call: Call, row: DomainDetail): void {
  const lines = [
    `${row.domain} of ${row.customer ?? 'the operator'}`,
    `  proof    ${row.proof}`,
    `  state    ${row.state}${row.since === null ? '' : ` since ${row.since}`}`,
    ...(row.lapses === null ? [] : [`  lapses   ${row.lapses}`]),
    ...(row.record === null ? [] : [`  record   ${row.record.name} ${row.record.type} ${row.record.value}`]),
    `  looked   ${row.lookedAt ?? 'not yet'}`,
    `  seen     ${row.seenAt ?? 'never'}`,
    ...(row.trouble === null ? [] : [`  trouble  ${row.trouble}`]),
    ...row.events.map(({ at, words }) => `  ${at}  ${words}`),
  ]
  for (const line of lines) call.terminal.out(`${harmless(line)}\n`)
}
