import { Command, CommanderError } from '@commander-js/extra-typings'
import { type ExitCode, exitCodes } from '../../standards/exit-codes.ts'
import { OperationError } from '../operations.ts'
import { applyCommand } from './apply.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import type { Call, Powers, Terminal } from './call.ts'
import { checkCommand } from './check.ts'
import { customersCommand } from './customers.ts'
import { doctorCommand } from './doctor.ts'
import { domainsCommand } from './domains.ts'
import { exportCommand } from './export.ts'
import { keysCommand } from './keys.ts'
import { labCommand } from './lab.ts'
import { queueCommand } from './queue.ts'
import { sourcesCommand } from './sources.ts'
import { seenCommand } from './seen.ts'
import { shapingCommand } from './shaping.ts'
import { startCommand } from './start.ts'
import { suppressionsCommand } from './suppressions.ts'
import { verifyCommand } from './verify.ts'
import { whyCommand } from './why.ts'

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
    .version(powers.version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
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
  doctorCommand,
  applyCommand,
  exportCommand,
  domainsCommand,
  sourcesCommand,
  seenCommand,
  keysCommand,
  queueCommand,
  shapingCommand,
  customersCommand,
  suppressionsCommand,
  whyCommand,
  verifyCommand,
  backupCommand,
  restoreCommand,
  labCommand,
]

/** Commander would end the process itself; every level of the tree must be told not to. */
function quieten(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
  for (const child of command.commands) quieten(child as Command, terminal)
}

function exitCodeOf(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  if (error instanceof OperationError) {
    terminal.err(`${error.message}\n`)
    return error.kind === 'fault' ? exitCodes.fault : exitCodes.usage
  }
  terminal.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return exitCodes.fault
}
