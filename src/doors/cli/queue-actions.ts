import { Command, Option } from '@commander-js/extra-typings'
import { exitCodes } from '../../standards/exit-codes.ts'
import { type QueueAction, type QueueSelection, queueStates } from '../operations/queue.ts'
import type { Operations } from '../operations.ts'
import { agreed } from './agree.ts'
import { type Call, configOption, jsonOption } from './call.ts'
import { harmless, printJson } from './print.ts'

/** What all verbs take. */
type Given = {
  readonly customer?: string
  readonly domain?: string
  readonly source?: string
  readonly destination?: string
  readonly reason?: string
  readonly state?: (typeof queueStates)[number]
  readonly olderThan?: string
  readonly because?: string
  readonly dryRun?: true
  readonly yes?: true
  readonly config?: string
  readonly json?: true
}

export function retryCommand(call: Call): Command {
  return verb('retry', 'make a queued message due now').action((id, options) =>
    act(call, { verb: 'retry' }, id, options),
  ) as unknown as Command
}

export function releaseCommand(call: Call): Command {
  return verb('release', 'let a held message go; it is judged again first').action((id, options) =>
    act(call, { verb: 'release' }, id, options),
  ) as unknown as Command
}

export function cancelCommand(call: Call): Command {
  return verb('cancel', 'give a message up and tell its sender').action((id, options) =>
    act(call, { verb: 'cancel' }, id, options),
  ) as unknown as Command
}

export function holdCommand(call: Call): Command {
  return verb('hold', 'keep a message from being delivered')
    .option('--for <duration>', 'how long: 90m, 4h, 2d; as long as retention.heldBodies when left out, and at most')
    .option('--owner <who>', 'who is to look at it; you when left out')
    .addOption(
      new Option('--then <what>', 'what happens when the time is over')
        .choices(['cancel', 'release', 'bounce'] as const)
        .default('cancel' as const),
    )
    .action((id, options) => {
      const { for: holdFor, owner, then: atEnd } = options
      return act(call, { verb: 'hold', reason: reasonIn(id, options) ?? 'by hand', holdFor, owner, atEnd }, id, options)
    }) as unknown as Command
}

export function bounceCommand(call: Call): Command {
  return verb('bounce', 'give a message up now, and tell its sender why')
    .option('--status <code>', 'enhanced status code of class 5', '5.0.0')
    .action((id, options) => {
      const reason = reasonIn(id, options)
      if (reason === undefined) return misused(call, 'say with --because what its sender is told')
      if (!/^5\.\d{1,3}\.\d{1,3}$/.test(options.status)) return misused(call, '--status is a code like 5.1.1')
      return act(call, { verb: 'bounce', reason, status: options.status }, id, options)
    }) as unknown as Command
}

export function rerouteCommand(call: Call): Command {
  return verb('reroute', 'send a message to another host from now on')
    .option('--to <host:port>', 'where to; an IPv6 address in brackets')
    .addOption(
      new Option('--tls <how>')
        .choices(['off', 'opportunistic', 'required'] as const)
        .default('opportunistic' as const),
    )
    .option('--default', 'the usual way again')
    .action((id, options) => {
      if ((options.to === undefined) === (options.default === undefined))
        return misused(call, 'say --to HOST:PORT or --default')
      const place = options.to === undefined ? null : placeIn(options.to)
      if (place === 'malformed') return misused(call, '--to is HOST:PORT, an IPv6 address in brackets')
      const route = place === null ? null : { ...place, tls: options.tls }
      return act(call, { verb: 'reroute', route }, id, options)
    }) as unknown as Command
}

function verb(name: QueueAction['verb'], description: string) {
  return new Command(name)
    .description(description)
    .argument('[id]', 'one message; without it the filters choose')
    .option('--customer <id>')
    .option('--domain <name>', 'author domain')
    .option('--source <id>')
    .option('--destination <name>', 'recipient domain')
    .option('--reason <text>', 'part of why it is held, or of what a receiver said last; with an id, why you do it')
    .option('--older-than <duration>', 'arrived longer ago than 90m, 4h, 2d')
    .addOption(new Option('--state <state>').choices(queueStates))
    .option('--because <text>', 'why you do it, for the record')
    .option('--dry-run', 'only tell which messages it would be')
    .option('--yes', 'do not ask')
    .addOption(configOption())
    .addOption(jsonOption())
}

/** With an id, `--reason` can be no filter. */
function reasonIn(id: string | undefined, { because, reason }: Given): string | undefined {
  return because ?? (id === undefined ? undefined : reason)
}

function placeIn(text: string): { readonly host: string; readonly port: number } | 'malformed' {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? 'malformed' : { host, port }
}

async function misused(call: Call, words: string): Promise<void> {
  call.terminal.err(`${words}\n`)
  call.finish(exitCodes.usage)
  await Promise.resolve()
}

function act(call: Call, action: QueueAction, id: string | undefined, given: Given): Promise<void> {
  return call.withOperations(given.config, (operations) => {
    if (id !== undefined) return one(call, operations, action, id, given)
    const { customer, domain, source, destination, reason, state, olderThan } = given
    const filters = { customer, domain, source, destination, reason, state, olderThan }
    const selection = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined))
    if (Object.keys(selection).length > 0) return many(call, operations, action, selection, given)
    call.terminal.err(`name a message or a filter: \`anechoic queue ${action.verb}\` never takes the whole queue\n`)
    return Promise.resolve(exitCodes.usage)
  })
}

async function one(call: Call, operations: Operations, action: QueueAction, id: string, given: Given): Promise<number> {
  const { verb: name } = action
  if (given.dryRun === true) {
    const found = await operations.queued(id)
    const ids = found === null ? [] : [found.id]
    tell(call, given, { would: name, count: ids.length, selected: ids.length, ids })
    return exitCodes.fine
  }
  if (!(await mayGo(call, given, action, '1 message'))) return exitCodes.usage
  const acted = await operations.actOnMessage({ id, action, by: 'command line' })
  if (acted.done) {
    tell(call, given, { done: name, count: 1, ids: [id], skipped: 0, why: {} })
    return exitCodes.fine
  }
  tell(call, given, { done: name, count: 0, ids: [], skipped: 1, why: { [acted.why]: 1 } })
  return exitCodes.findings
}

async function many(
  call: Call,
  operations: Operations,
  action: QueueAction,
  selection: QueueSelection,
  given: Given,
): Promise<number> {
  const { verb: name } = action
  const isAsked = given.dryRun === true || given.yes !== true
  const plan = isAsked ? await operations.wouldActOnQueue({ selection, action }) : null
  if (given.dryRun === true && plan !== null) {
    tell(call, given, { would: name, count: plan.would, selected: plan.selected, ids: plan.ids })
    return exitCodes.fine
  }
  if (!(await mayGo(call, given, action, `${plan?.would ?? 0} messages`))) return exitCodes.usage
  const tally = new Tally()
  let after: string | undefined
  do {
    const answer = await operations.actOnQueue({ selection, action, after, by: 'command line' })
    tally.add(answer.done, answer.skipped)
    after = answer.next ?? undefined
    if (process.stderr.isTTY && (after !== undefined || tally.isLong)) call.terminal.err(`\r${name}: ${tally.words()} `)
  } while (after !== undefined)
  if (process.stderr.isTTY && tally.isLong) call.terminal.err('\n')
  tell(call, given, { done: name, ...tally.result() })
  return tally.skipped === 0 ? exitCodes.fine : exitCodes.findings
}

/** Ids that are named in an answer; the rest is counted. */
const namedIds = 1_000

class Tally {
  readonly #ids: string[] = []
  readonly #why = new Map<string, number>()
  #done = 0
  #calls = 0
  skipped = 0

  get isLong(): boolean {
    return this.#calls > 1
  }

  add(done: readonly string[], skipped: readonly { readonly why: string }[]): void {
    this.#calls++
    this.#done += done.length
    this.skipped += skipped.length
    this.#ids.push(...done.slice(0, namedIds - this.#ids.length))
    for (const { why } of skipped) this.#why.set(why, (this.#why.get(why) ?? 0) + 1)
  }

  words(): string {
    return `${this.#done} done, ${this.skipped} skipped`
  }

  result(): { count: number; ids: readonly string[]; skipped: number; why: { [why: string]: number } } {
    return { count: this.#done, ids: this.#ids, skipped: this.skipped, why: Object.fromEntries(this.#why) }
  }
}

/** What ends a message can't be undone: a script must say so beforehand. Of the rest only a person is asked, and only about many. */
async function mayGo(call: Call, given: Given, action: QueueAction, what: string): Promise<boolean> {
  if (given.yes === true) return true
  const isEnd = action.verb === 'cancel' || action.verb === 'bounce'
  if (!isEnd && (what === '1 message' || !process.stdin.isTTY)) return true
  const words = `${action.verb} ${what}${isEnd ? ", which can't be undone" : ''}`
  if (process.stdin.isTTY && (await agreed(`${words}: do it?`))) return true
  call.terminal.err(`${words}: pass --yes (or --dry-run to see which)\n`)
  return false
}

type Told = { readonly count: number; readonly ids: readonly string[] } & (
  | { readonly would: string; readonly selected: number }
  | { readonly done: string; readonly skipped: number; readonly why: { readonly [why: string]: number } }
)

function tell(call: Call, { json = false }: { readonly json?: boolean }, told: Told): void {
  if (json) return printJson(call.terminal, told)
  const { count, ids } = told
  const shown = ids.slice(0, 20).map(harmless).join(' ')
  const named = count === 0 ? 'nothing' : `${count}: ${shown}${count > ids.slice(0, 20).length ? ' …' : ''}`
  if ('would' in told) {
    const rest = told.selected - count
    call.terminal.out(
      `would ${told.would} ${named}${rest > 0 ? `\n${rest} more are selected that it can't change` : ''}\n`,
    )
    return
  }
  call.terminal.out(`${told.done}: ${named}\n`)
  for (const [why, times] of Object.entries(told.why)) call.terminal.err(`${times} not: ${harmless(why)}\n`)
}
