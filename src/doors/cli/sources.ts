import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { OperationError, type ResolvedDomain } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printJson } from './print.ts'

export function sourcesCommand(call: Call): Command {
  const resolve = new Command('resolve')
    .description('find out which Microsoft 365 tenant a domain belongs to')
    .argument('[domain...]', 'domains')
    .option('--all', 'every domain that a Microsoft 365 source of the policy names')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((names, options) => {
      const all = options.all ?? false
      if (all === names.length > 0) throw new OperationError('usage', 'name a domain, or give --all')
      return call.withOperations(options.config, async (operations) => {
        const rows = await operations.resolveSources(all ? null : names)
        if (options.json === true) printJson(call.terminal, rows)
        else if (rows.length === 0) call.terminal.out('no Microsoft 365 source in the policy\n')
        else for (const row of rows) tell(call, row)
        return rows.every(isFine) ? exitCodes.fine : exitCodes.findings
      })
    })
  return new Command('sources').description('sources of mail').addCommand(resolve as unknown as Command)
}

/** Found, and no source of the policy says otherwise. */
function isFine({ tenant, sources }: ResolvedDomain): boolean {
  return tenant !== null && sources.every((source) => source.tenant === tenant)
}

function tell(call: Call, row: ResolvedDomain): void {
  const lines = [
    row.domain,
    `  tenant          ${row.tenant ?? 'not found'} (${row.tenantBy})`,
    `  initial domain  ${row.initialDomain ?? 'not found'} (${row.initialDomainBy})`,
    ...row.sources.map(({ customer, source, tenant }) => {
      const word =
        row.tenant === null ? 'is not checked' : tenant === row.tenant ? 'agrees' : `has ${tenant}: DIFFERENT`
      return `  in the policy   ${customer} ${source} ${word}`
    }),
    ...(row.tenant === null || row.sources.length > 0 ? [] : [`  for the policy  ${entryFor(row)}`]),
  ]
  for (const line of lines) call.terminal.out(`${harmless(line)}\n`)
}

/** A source as it is written in a policy. */
function entryFor({ domain, tenant, initialDomain }: ResolvedDomain): string {
  const initial = initialDomain === null ? '' : `, initialDomain: ${initialDomain}`
  return `- { id: ${domain.split('.')[0] ?? 'm365'}-m365, kind: m365, tenant: ${tenant ?? ''}, originators: [${domain}]${initial} }`
}
