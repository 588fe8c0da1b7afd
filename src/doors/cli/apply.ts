import { Command } from '@commander-js/extra-typings'
import { readFileSync } from 'node:fs'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type ApplyAnswer, OperationError, type Operations } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { agreed } from './agree.ts'
import { harmless, printJson } from './print.ts'

export function applyCommand(call: Call): Command {
  return new Command('apply')
    .description('make the policy be what FILE says')
    .argument('<file>', 'policy file (YAML); - reads standard input')
    .option('--dry-run', 'print the plan and change nothing')
    .option('--yes', 'do not ask before something is taken away or a tenant is added')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((file, options) =>
      call.withOperations(options.config, (operations) =>
        apply(call, operations, file, {
          dryRun: options.dryRun ?? false,
          yes: options.yes ?? false,
          json: options.json ?? false,
        }),
      ),
    ) as unknown as Command
}

type ApplyOptions = { readonly dryRun: boolean; readonly yes: boolean; readonly json: boolean }

async function apply(call: Call, operations: Operations, file: string, options: ApplyOptions): Promise<number> {
  const request = { file: file === '-' ? 'standard input' : file, text: textOf(file), by: 'command line' }
  // Taking a right away stops mail, and a tenant id is easily another's, so a person at a terminal is asked. A script is not: revoking
  // must never wait for anybody.
  const mayAsk = !options.yes && process.stdin.isTTY && file !== '-'
  // The plan is made only for whom it can stop: a policy of many customers is long to read.
  if (options.dryRun || mayAsk) {
    const planned = await operations.applyPolicy({ ...request, dryRun: true })
    if (planned.kind !== 'planned' || options.dryRun) return told(call, planned, options.json)
    const question = questionAbout(planned)
    if (question !== null && !(await agreed(question))) {
      call.terminal.err('nothing was changed; pass --yes to apply without being asked\n')
      return exitCodes.findings
    }
  }
  return told(call, await operations.applyPolicy({ ...request, dryRun: false }), options.json)
}

/** What a person is to look at before it is done, or null. */
export function questionAbout({ plan, notes = [] }: Extract<ApplyAnswer, { readonly plan: unknown }>): string | null {
  const removals = plan.filter((line) => line.startsWith('-'))
  if (removals.length === 0 && notes.length === 0) return null
  const ask = [
    ...(removals.length > 0 ? [`take ${removals.length} away`] : []),
    ...(notes.length > 0 ? ['add what was found like this'] : []),
  ].join(', and ')
  return `${[...removals, ...notes].map(harmless).join('\n')}\n${ask[0]?.toUpperCase()}${ask.slice(1)}?`
}

/** Shows what came of it; answers the exit code. */
function told(call: Call, answer: ApplyAnswer, json: boolean): number {
  if ('plan' in answer) {
    tell(call, answer, json)
    return exitCodes.fine
  }
  if (json) printJson(call.terminal, answer)
  else for (const problem of problemsOf(answer)) call.terminal.err(`${problem}\n`)
  return exitCodes.usage
}

function tell(call: Call, answer: Extract<ApplyAnswer, { readonly kind: 'applied' | 'planned' }>, json: boolean): void {
  if (json) return printJson(call.terminal, answer)
  for (const line of answer.plan) call.terminal.out(`${line}\n`)
  for (const note of answer.notes ?? []) call.terminal.out(`  ${harmless(note)}\n`)
  if (answer.plan.length === 0) call.terminal.out('nothing to change\n')
  else if (answer.kind === 'applied') call.terminal.out(`policy version ${answer.version} is in force\n`)
  else call.terminal.out('dry run: nothing was changed\n')
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new OperationError('usage', `${file} can not be read: ${(error as Error).message}`)
  }
}

/** The problems of a refused policy as people read them. */
function problemsOf(answer: Exclude<ApplyAnswer, { readonly kind: 'applied' | 'planned' }>): readonly string[] {
  switch (answer.kind) {
    case 'invalid':
      return answer.problems
    case 'read-only':
      return [
        `the configuration names the policy file ${answer.file}: edit that file and reload (SIGHUP) instead of applying`,
      ]
    default:
      return answer satisfies never
  }
}
