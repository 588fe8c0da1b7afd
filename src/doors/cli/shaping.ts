import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import type { ShapingAction, ShapingExplanation } from '../operations/shaping.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printJson, printRows } from './print.ts'

export function shapingCommand(call: Call): Command {
  return new Command('shaping')
    .description('how receivers are treated: limits, and what their replies brought')
    .addCommand(listCommand(call))
    .addCommand(clearCommand(call))
    .addCommand(explainCommand(call))
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list what is slowed or suspended at receivers now')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        printRows(call.terminal, await operations.shapingActions(), {
          json: options.json ?? false,
          empty: 'nothing is slowed or suspended',
          columns: {
            id: (row) => row.id,
            site: (row) => row.site,
            for: whomOf,
            left: (row) => `${Math.round(row.factor * 100)}%`,
            until: (row) => row.until,
            because: (row) => `${row.replies} replies about ${row.class}, the last to ${row.message}:\n${row.reply}`,
            rule: (row) => row.rule,
          },
        })
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function clearCommand(call: Call): Command {
  return new Command('clear')
    .description('end an action now; what waits for it goes')
    .argument('<id>', 'as `anechoic shaping list` shows it')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id, options) =>
      call.withOperations(options.config, async (operations) => {
        const done = await operations.clearShaping(id, 'command line')
        if (options.json === true) printJson(call.terminal, { done })
        else if (done) call.terminal.out(`cleared ${harmless(id)}\n`)
        else call.terminal.err(`no action ${harmless(id)} is in force\n`)
        return done ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}

function explainCommand(call: Call): Command {
  return new Command('explain')
    .description('show what holds for mail to a domain, and which rule of which file says so')
    .argument('<domain>', 'a recipient domain')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((domain, options) =>
      call.withOperations(options.config, async (operations) => {
        const found = await operations.explainShaping(domain)
        if (options.json === true) printJson(call.terminal, found)
        else call.terminal.out(`${inWords(found).map(harmless).join('\n')}\n`)
        return found.trouble === null ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}

function inWords(found: ShapingExplanation): readonly string[] {
  const rule = (from: { profile: string; file: string; line: number }) => `${from.profile}, ${from.file}:${from.line}`
  return [
    `domain   ${found.domain}`,
    ...(found.trouble === null ? [] : [`trouble  ${found.trouble}`]),
    found.route === null ? `mx       ${found.mx.join(' ') || 'none'}` : `route    ${found.route}`,
    `site     ${found.site}`,
    ...found.profiles.map(
      ({ name, date, why, source }) =>
        `profile  ${name}${date === null ? '' : ` (${date})`}${why === null ? '' : `: ${why}`}${source === null ? '' : ` <${source}>`}`,
    ),
    '',
    ...found.limits.map((one) => `${one.limit.padEnd(22)} ${one.value.padEnd(12)} ${rule(one)}`),
    '',
    ...found.actions.map(
      (one) => `${one.class.padEnd(12)} ${one.steps.join('; ') || 'as the reply says'}   ${rule(one)}`,
    ),
    '',
    ...(found.inForce.length === 0 ? ['nothing is slowed or suspended there'] : found.inForce.map(actionInWords)),
  ]
}

function actionInWords(one: ShapingAction): string {
  const what = one.kind === 'slow' ? `slowed to ${Math.round(one.factor * 100)}%` : 'suspended'
  return `${one.id}  ${whomOf(one)} ${what} until ${one.until}: ${one.reply}`
}

function whomOf({ scope }: ShapingAction): string {
  switch (scope.what) {
    case 'address':
      return scope.address ?? 'our address'
    case 'customer':
      return `customer ${scope.customer}`
    case 'source':
      return `source ${scope.customer}/${scope.source}`
    default:
      return scope.what satisfies never
  }
}
