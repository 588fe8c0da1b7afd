import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import type { CustomerDetail, CustomerRow } from '../operations/customers.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printJson, printRows } from './print.ts'

const pageRows = 1000

export function customersCommand(call: Call): Command {
  return new Command('customers')
    .description('organisations that relay through us')
    .addCommand(listCommand(call))
    .addCommand(showCommand(call)) as unknown as Command
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list customers')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const rows: CustomerRow[] = []
        for (let after: string | null = null; ;) {
          const page = await operations.customers({ after, limit: pageRows })
          rows.push(...page.items)
          if (page.next === null) break
          after = page.next
        }
        printRows(call.terminal, rows, {
          json: options.json ?? false,
          empty: 'no customer yet: `anechoic apply` a policy that names one',
          columns: {
            id: (row) => row.id,
            name: (row) => row.name,
            plan: (row) => row.plan,
            domains: (row) => row.domains.join(' '),
            sources: (row) => row.sources.join(' '),
            suppression: (row) => row.suppression,
            pool: (row) => poolText(row),
          },
        })
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function showCommand(call: Call): Command {
  return new Command('show')
    .description('show a customer, what it sends to the big receivers, and what is wrong with its mail')
    .argument('<id>')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, options) =>
      call.withOperations(options.config, async (operations) => {
        const found = await operations.customer(id)
        if (found === null) {
          call.terminal.err(`there is no customer ${harmless(id)}\n`)
          return exitCodes.findings
        }
        if (options.json === true) printJson(call.terminal, found)
        else for (const line of linesOf(found)) call.terminal.out(`${harmless(line)}\n`)
        return found.findings.some((one) => one.state === 'open') ? exitCodes.findings : exitCodes.fine
      }),
    ) as unknown as Command
}

function linesOf(found: CustomerDetail): readonly string[] {
  return [
    `${found.id}: ${found.name}`,
    `  plan         ${found.plan}`,
    `  domains      ${found.domains.join(' ')}`,
    `  suppression  ${found.suppression}`,
    `  pool         ${poolText(found)}`,
    ...found.grants.map((grant) => `  grant        ${grant.id}: ${grant.source} -> ${grant.domains.join(' ')}`),
    ...found.bulk.map(
      (one) =>
        `  bulk         ${one.domain} to ${one.receiver}: ${one.today} today, at most ${one.highest} (${one.highestDay}); ${one.threshold} a day is a bulk sender`,
    ),
    ...found.findings.map(
      (one) =>
        `  finding      ${one.state} ${one.rule} of ${one.subject}, last ${one.lastSeen}: ${JSON.stringify(one.evidence)}`,
    ),
  ]
}

function poolText({ pool }: CustomerRow): string {
  return typeof pool === 'string'
    ? pool
    : Object.entries(pool)
        .map(([messageClass, name]) => `${messageClass}: ${name ?? 'default'}`)
        .join(', ')
}
