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
    .option('--yes', 'do not ask before something is taken away')
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
  const planned = await operations.applyPolicy({ ...request, dryRun: true })
  const problems = problemsOf(planned)
  if (problems.length > 0 || planned.kind === 'invalid' || planned.kind === 'read-only') {
    if (options.json) printJson(call.terminal, planned)
    else for (const problem of problems) call.terminal.err(`${problem}\n`)
    return exitCodes.usage
  }
  if (options.dryRun) {
    tell(call, planned, options.json)
    return exitCodes.fine
  }
  const removals = planned.plan.filter((line) => line.startsWith('-'))
  // Taking a right away stops mail, so a person at a terminal is asked. A script is not: revoking must never wait for anybody.
  if (removals.length > 0 && !options.yes && process.stdin.isTTY && file !== '-') {
    const question = `${removals.map(harmless).join('\n')}\nTake ${removals.length} of these away?`
    if (!(await agreed(question))) {
      call.terminal.err('nothing was changed; pass --yes to apply without being asked\n')
      return exitCodes.findings
    }
  }
  const applied = await operations.applyPolicy({ ...request, dryRun: false })
  const late = problemsOf(applied)
  if (applied.kind === 'applied' || applied.kind === 'planned') tell(call, applied, options.json)
  else for (const problem of late) call.terminal.err(`${problem}\n`)
  return late.length === 0 ? exitCodes.fine : exitCodes.usage
}

function tell(
  call: Call,
  answer: { readonly kind: 'applied' | 'planned'; readonly version: number; readonly plan: readonly string[] },
  json: boolean,
): void {
  if (json) return printJson(call.terminal, answer)
  for (const line of answer.plan) call.terminal.out(`${line}\n`)
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

/** The problems of a refused policy as people read them; nothing for an accepted one. */
function problemsOf(answer: ApplyAnswer): readonly string[] {
  switch (answer.kind) {
    case 'applied':
    case 'planned':
      return []
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
