import { Command, CommanderError, Option } from '@commander-js/extra-typings'
import { type ApplyAnswer, OperationError, type Operations } from '../operations.ts'
import { applyCommand } from './apply.ts'
import { checkCommand } from './check.ts'
import { domainsCommand } from './domains.ts'
import { exportCommand } from './export.ts'
import { keysCommand } from './keys.ts'
import { labCommand } from './lab.ts'
import { queueCommand } from './queue.ts'
import { seenCommand } from './seen.ts'
import { startCommand } from './start.ts'
import { whyCommand } from './why.ts'

/** 0 fine, 1 findings or refusals, 2 usage or configuration error, 70 fault of ours (contract section 1). */
export type ExitCode = number

export const exitCodes = { fine: 0, findings: 1, usage: 2, fault: 70 } as const

/** What the command line needs from the rest of the program; `main.ts` supplies it. */
export type Powers = {
  /** Runs the server until it is told to stop. */
  start(config: string | null): Promise<ExitCode>
  /** Validates configuration and policy; the problems as they are shown. */
  check(config: string | null, policy: string | null): Promise<readonly string[]>
  /** The running server's operations, or, when none runs, those on the stores themselves. */
  operations(config: string | null): Promise<{ readonly operations: Operations; close(): Promise<void> }>
  /** Runs the lab in a process of its own. */
  lab(args: readonly string[]): Promise<ExitCode>
}

export type Terminal = {
  out(text: string): void
  err(text: string): void
}

/** What each verb's action gets. */
export type Call = {
  readonly powers: Powers
  readonly terminal: Terminal
  /** Runs the body with operations and closes them after. */
  withOperations(config: string | undefined, body: (operations: Operations) => Promise<ExitCode>): Promise<void>
  finish(code: ExitCode): void
}

/** Runs one command line (without node and script) and resolves to the exit code. Never throws. */
export async function runCommandLine(args: readonly string[], powers: Powers, terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = exitCodes.fine
  const call: Call = {
    powers,
    terminal,
    withOperations: async (config, body) => {
      const opened = await powers.operations(config ?? null)
      try {
        code = await body(opened.operations)
      } finally {
        await opened.close()
      }
    },
    finish: (given) => {
      code = given
    },
  }
  const program = new Command('anechoic')
    .description('A mail relay that signs and sends for a domain only what its owner has authorised.')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showSuggestionAfterError()
  for (const make of commands) {
    const command = make(call)
    program.addCommand(command)
    quieten(command, terminal)
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    return exitCodeOf(error, terminal)
  }
}

const commands: readonly ((call: Call) => Command)[] = [
  startCommand,
  checkCommand,
  applyCommand,
  exportCommand,
  domainsCommand,
  seenCommand,
  keysCommand,
  queueCommand,
  whyCommand,
  labCommand,
]

/** Commander would end the process itself; every level of the tree must be told not to. */
function quieten(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
  for (const child of command.commands) quieten(child as Command, terminal)
}

function exitCodeOf(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  if (error instanceof OperationError) {
    terminal.err(`${error.message}\n`)
    return exitCodes.usage
  }
  terminal.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return exitCodes.fault
}

export const configOption = (): Option<'--config <file>', undefined, undefined, undefined, false, undefined> =>
  new Option('--config <file>', 'configuration file (default: ./anechoic.yaml when it is there)')

export const jsonOption = (): Option<'--json', undefined, undefined, undefined, false, undefined> =>
  new Option('--json', 'print JSON for machines')

/** The problems of a refused policy as people read them; nothing for an accepted one. */
export function problemsOf(answer: ApplyAnswer): readonly string[] {
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
