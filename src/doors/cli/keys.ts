import { Command } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import type { RevokeAnswer, RotatedKey } from '../operations.ts'
import { agreed } from './agree.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { importCommand, rewrapCommand } from './keys-import.ts'
import { harmless, printJson, printRows } from './print.ts'

export function keysCommand(call: Call): Command {
  return new Command('keys')
    .description('signing keys')
    .addCommand(listCommand(call))
    .addCommand(checkCommand(call))
    .addCommand(zoneCommand(call))
    .addCommand(rotateCommand(call))
    .addCommand(revokeCommand(call))
    .addCommand(importCommand(call))
    .addCommand(rewrapCommand(call))
}

function listCommand(call: Call): Command {
  return new Command('list')
    .description('list signing keys and the records to publish')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        printRows(call.terminal, await operations.keys(), {
          json: options.json ?? false,
          empty: 'no key yet: one is made when a grant first names a domain and a source',
          columns: {
            domain: (row) => row.domain,
            source: (row) => row.source,
            selector: (row) => row.selector,
            algorithm: (row) => row.algorithm,
            state: (row) => row.state,
            record: (row) => `${row.record.name} ${row.record.type}`,
            'to do': (row) => row.toDo ?? '',
          },
        })
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function checkCommand(call: Call): Command {
  return new Command('check')
    .description('look the records up now, past every cache; a key whose record is there becomes active')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const checked = await operations.checkKeys()
        printRows(call.terminal, checked, {
          json: options.json ?? false,
          empty: 'no key to check',
          columns: {
            selector: (row) => row.selector,
            domain: (row) => row.domain,
            state: (row) => row.state,
            'in DNS': (row) => (row.seen ? 'yes' : 'no'),
            why: (row) => row.because,
          },
        })
        return checked.every((row) => row.fine) ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}

function zoneCommand(call: Call): Command {
  return new Command('zone')
    .description('print records as lines of a zone file: our own zone, or what the owner of a domain publishes')
    .option(
      '--domain <name>',
      'what its owner publishes: CNAME records that lead to our zone, for this key and the next',
    )
    .option('--txt', 'with --domain: the keys themselves as TXT records, to be changed at every rotation')
    .addOption(configOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const form = options.txt === true ? 'txt' : 'cname'
        call.terminal.out(await operations.keyZone({ domain: options.domain ?? null, form }))
        return exitCodes.fine
      }),
    ) as unknown as Command
}

function rotateCommand(call: Call): Command {
  return new Command('rotate')
    .description('have a new key made beside each that signs; it takes over when its record is seen')
    .option('--domain <name>', 'only keys of this domain')
    .option('--source <id>', 'only keys of this source')
    .option('--dry-run', 'only tell which keys it would be')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const { domain = null, source = null, dryRun = false } = options
        const rotated = await operations.rotateKeys({ domain, source, dryRun, by: 'command line' })
        printRows(call.terminal, rotated, {
          json: options.json ?? false,
          empty: 'no key signs there',
          columns: {
            domain: (row) => row.domain,
            source: (row) => row.source,
            'signs now': (row) => row.selector,
            next: (row) => row.next?.selector ?? '',
            what: (row) => outcomeOf(row, dryRun),
          },
        })
        return rotated.length === 0 ? exitCodes.findings : exitCodes.fine
      }),
    ) as unknown as Command
}

function outcomeOf({ outcome, next }: RotatedKey, dryRun: boolean): string {
  switch (outcome) {
    case 'asked':
      return dryRun ? 'would be given a successor' : `${next?.toDo ?? 'the next key is being made'}; it takes over then`
    case 'under-way':
      return 'a successor waits already'
    case 'not-needed':
      return 'no grant needs it any more'
    default:
      return outcome satisfies never
  }
}

function revokeCommand(call: Call): Command {
  return new Command('revoke')
    .description('end a key at once, whatever signed with it, and have another made; keys of other sources go on')
    .argument('<domain>')
    .argument('<selector>')
    .option('--reason <text>', 'why, for the record', 'by hand')
    .option('--dry-run', 'only tell what it would be')
    .option('--yes', 'do not ask')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((domain, selector, options) =>
      call.withOperations(options.config, async (operations) => {
        const request = { domain, selector, reason: options.reason, by: 'command line' }
        const planned = await operations.revokeKey({ ...request, dryRun: true })
        if (planned === null) return unknown(call, domain, selector)
        if (options.dryRun === true) return tell(call, planned, options.json ?? false)
        if (options.yes !== true && !(await mayRevoke(call, planned))) return exitCodes.usage
        const done = await operations.revokeKey({ ...request, dryRun: false })
        return done === null ? unknown(call, domain, selector) : tell(call, done, options.json ?? false)
      }),
    ) as unknown as Command
}

function unknown(call: Call, domain: string, selector: string): number {
  call.terminal.err(`there is no key ${harmless(selector)} of ${harmless(domain)}, or it is revoked already\n`)
  return exitCodes.findings
}

/** What is revoked stays so, and its source may be unable to send: a person is asked, and a script must say it beforehand. */
async function mayRevoke(call: Call, { key }: RevokeAnswer): Promise<boolean> {
  const effect =
    key.state === 'active' ? `mail of ${key.source} waits until the next key is in DNS` : `it is ${key.state}`
  const what = `revoking ${harmless(key.selector)} of ${harmless(key.domain)} can't be undone; ${effect}`
  if (process.stdin.isTTY && (await agreed(`${what}. Do it?`))) return true
  call.terminal.err(`${what}: pass --yes (or --dry-run to see)\n`)
  return false
}

function tell(call: Call, answer: RevokeAnswer, json: boolean): number {
  if (json) printJson(call.terminal, answer)
  else {
    const { key, replacement } = answer
    const lines =
      answer.kind === 'planned'
        ? [`would revoke ${key.selector} of ${key.domain}, of the source ${key.source} (${key.state})`]
        : [
            `revoked: ${key.selector} of ${key.domain}. Put this in place of its record:`,
            `  ${key.record.name} ${key.record.type} ${key.record.value}`,
            ...(replacement === null
              ? ['no other key is there yet: see `anechoic keys list`']
              : [`the next is ${replacement.selector} (${replacement.state}): ${replacement.toDo ?? 'nothing to do'}`]),
          ]
    call.terminal.out(`${lines.map(harmless).join('\n')}\n`)
  }
  return exitCodes.fine
}
