import { Command } from '@commander-js/extra-typings'
import { readFileSync } from 'node:fs'
import { exitCodes } from '../../standards/exit-codes.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import {
  type FoundKey,
  type FoundKeys,
  fileOfDataSet,
  readKeyTable,
  readOpendkimConfiguration,
  readRspamdConfiguration,
  rspamdKeys,
} from '../../standards/key-tables/index.ts'
import { type ImportAnswer, type ImportRequest, OperationError, type Operations } from '../operations.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printRows } from './print.ts'

type Options = {
  readonly domain?: string | undefined
  readonly selector?: string | undefined
  readonly source?: string | undefined
  readonly opendkim?: string | undefined
  readonly keyTable?: string | undefined
  readonly signingTable?: string | undefined
  readonly rspamd?: string | undefined
}

/** Keys sent at a time: a request must stay small. */
const keysAtOnce = 10

export function importCommand(call: Call): Command {
  return new Command('import')
    .description('take private keys over from files or from the configuration of OpenDKIM or rspamd')
    .argument('[file]', 'one private key, PEM; - reads standard input')
    .option('--domain <name>', 'of the key in FILE; else only keys of this domain are taken')
    .option('--selector <name>', 'of the key in FILE')
    .option('--source <id>', 'which source is to sign with it; needed where a domain is granted to several')
    .option('--opendkim <file>', 'opendkim.conf, with the tables or the key that it names')
    .option('--key-table <file>', 'a KeyTable of OpenDKIM')
    .option('--signing-table <file>', 'the SigningTable beside it')
    .option('--rspamd <file>', 'dkim_signing.conf of rspamd, with the maps that it names')
    .option('--dry-run', 'only tell which keys it would be')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((file, options) =>
      call.withOperations(options.config, async (operations) => {
        const found = findKeys(file, options)
        const keys = found.keys.filter((key) => file !== undefined || (options.domain ?? key.domain) === key.domain)
        for (const problem of found.problems) call.terminal.err(`${harmless(problem)}\n`)
        const rows =
          options.dryRun === true ? keys.map(wouldTake) : await takeAll(operations, keys, options.source ?? null)
        printRows(call.terminal, rows, {
          json: options.json ?? false,
          empty: 'no key to take over',
          columns: {
            domain: (row) => row.domain,
            selector: (row) => row.selector,
            source: (row) => row.source ?? '',
            state: (row) => row.state ?? 'refused',
            what: (row) => row.what,
          },
        })
        const bad = found.problems.length > 0 || rows.length === 0 || rows.some((row) => row.state === null)
        return bad ? exitCodes.findings : exitCodes.fine
      }),
    ) as unknown as Command
}

type Row = {
  readonly domain: string
  readonly selector: string
  readonly source: string | null
  /** null: it was refused. */
  readonly state: string | null
  readonly what: string
}

function wouldTake({ domain, selector, at }: FoundKey): Row {
  const from = at.kind === 'file' ? at.path : 'the table itself'
  return { domain, selector, source: null, state: 'not taken yet', what: `would be read from ${from}` }
}

async function takeAll(
  operations: Operations,
  keys: readonly FoundKey[],
  source: string | null,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const read = keys.slice(from, from + keysAtOnce).map((key) => readKey(key, source))
    const requests = read.filter((one): one is ImportRequest => 'privateKey' in one)
    const answers = requests.length === 0 ? [] : await operations.importKeys({ keys: requests, by: 'command line' })
    for (const one of read) {
      const answer = 'privateKey' in one ? answers[requests.indexOf(one)] : one
      rows.push(rowOf(keys[rows.length], answer))
    }
  }
  return rows
}

/** A file that cannot be read is a refusal like any other. */
function readKey({ domain, selector, at }: FoundKey, source: string | null): ImportRequest | ImportAnswer {
  if (at.kind === 'inline') return { domain, selector, source, privateKey: at.text }
  try {
    return { domain, selector, source, privateKey: textOf(at.path) }
  } catch (error) {
    return { kind: 'refused', reason: (error as Error).message }
  }
}

function rowOf(key: FoundKey | undefined, answer: ImportAnswer | undefined): Row {
  const { domain = '', selector = '' } = key ?? {}
  if (answer === undefined)
    return { domain, selector, source: null, state: null, what: 'the server did not answer for it' }
  if (answer.kind === 'refused') return { domain, selector, source: null, state: null, what: answer.reason }
  const { source, state, toDo } = answer.key
  return { domain, selector, source, state, what: toDo ?? 'its record is there' }
}

function findKeys(file: string | undefined, options: Options): FoundKeys {
  const ways = [file, options.opendkim, options.keyTable, options.rspamd].filter((way) => way !== undefined)
  if (ways.length !== 1) throw new OperationError('usage', 'say one of: a FILE, --opendkim, --key-table or --rspamd')
  if (options.opendkim !== undefined) return fromOpendkim(options.opendkim)
  if (options.rspamd !== undefined) return fromRspamd(options.rspamd)
  if (options.keyTable !== undefined) {
    return readKeyTable(
      textOf(options.keyTable),
      options.signingTable === undefined ? null : textOf(options.signingTable),
    )
  }
  const { domain, selector } = options
  if (domain === undefined || selector === undefined)
    throw new OperationError('usage', 'a key in a file needs --domain and --selector')
  return { keys: [{ domain, selector, at: { kind: 'file', path: file ?? '-' } }], problems: [] }
}

function fromOpendkim(path: string): FoundKeys {
  const { keyTable, signingTable, domain, selector, keyFile } = readOpendkimConfiguration(textOf(path))
  if (keyTable !== null) {
    const [keys, users] = [fileOfDataSet(keyTable), signingTable === null ? null : fileOfDataSet(signingTable)]
    if (keys === null) return { keys: [], problems: [`${path}: the KeyTable ${keyTable} is no file`] }
    return readKeyTable(textOf(keys), users === null ? null : textOf(users))
  }
  if (domain === null || selector === null || keyFile === null)
    return { keys: [], problems: [`${path}: it names neither a KeyTable nor Domain, Selector and KeyFile`] }
  const domains = domain.split(',').map((one) => one.trim().toLowerCase())
  return { keys: domains.map((one) => ({ domain: one, selector, at: { kind: 'file', path: keyFile } })), problems: [] }
}

function fromRspamd(path: string): FoundKeys {
  const read = readRspamdConfiguration(textOf(path))
  if (isSyntaxFault(read)) return { keys: [], problems: [`${path}: ${read.reason}`] }
  const { selectorMap, pathMap } = read
  return rspamdKeys(read, {
    selectors: selectorMap === null ? null : textOf(selectorMap),
    paths: pathMap === null ? null : textOf(pathMap),
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (error) {
    throw new OperationError('usage', `${path} cannot be read: ${(error as Error).message}`)
  }
}

export function rewrapCommand(call: Call): Command {
  return new Command('rewrap')
    .description('wrap all private keys anew under another wrapping key, while the relay is stopped')
    .requiredOption('--to <place>', 'file:PATH (made if it is absent), env:NAME or command:COMMAND')
    .addOption(configOption())
    .action((options) =>
      call.withOperations(options.config, async (operations) => {
        const { wrapped, unopened } = await operations.rewrapKeys(options.to)
        call.terminal.out(`${wrapped} keys are wrapped under ${options.to}: write that as keys.wrapping, then start\n`)
        for (const name of unopened) call.terminal.err(`opens under neither wrapping key: ${harmless(name)}\n`)
        return unopened.length === 0 ? exitCodes.fine : exitCodes.findings
      }),
    ) as unknown as Command
}
