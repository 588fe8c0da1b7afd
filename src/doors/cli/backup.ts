import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { printJson } from './print.ts'

export function backupCommand(call: Call): Command {
  return new Command('backup')
    .description(
      'copy policy, keys (wrapped) and records into a new directory, while the relay runs; never mail in custody',
    )
    .argument('<directory>', 'a new or empty directory')
    .option('--ledger', 'the ledger too')
    .option('--with-wrapping-key', 'the wrapping key too: whoever has the backup then has the private keys')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (directory, options) => {
      const { ledger = false, withWrappingKey = false } = options
      const made = await call.powers.backup(options.config ?? null, directory, { ledger, wrappingKey: withWrappingKey })
      if (options.json === true) printJson(call.terminal, made)
      else {
        call.terminal.out(`${made.files.map(({ name, size }) => `${name}  ${size} octets`).join('\n')}\n`)
        if (!withWrappingKey)
          call.terminal.out(
            `not in it: the wrapping key (${made.wrapping}). Keep a copy of it in another place: without it no key of this backup opens\n`,
          )
      }
      call.finish(exitCodes.fine)
    }) as unknown as Command
}

export function restoreCommand(call: Call): Command {
  return new Command('restore')
    .description('put a backup into an empty data directory, while no relay runs, and tell whether its keys open')
    .argument('<directory>', 'what `backup` wrote')
    .option('--dry-run', 'only look whether the backup is whole')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (directory, options) => {
      const dryRun = options.dryRun ?? false
      const done = await call.powers.restore(options.config ?? null, directory, dryRun)
      if (options.json === true) printJson(call.terminal, done)
      else {
        const { manifest, keys, unopened, toDo } = done
        const what = `the backup of ${manifest.createdAt}, ${manifest.files.length} files`
        call.terminal.out(
          dryRun ? `${what}, is whole\n` : `${what}, is in place; ${keys - unopened} of ${keys} keys open\n`,
        )
        if (toDo !== null) call.terminal.err(`${toDo}\n`)
      }
      call.finish(done.toDo === null ? exitCodes.fine : exitCodes.findings)
    }) as unknown as Command
}
