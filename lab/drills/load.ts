import { setTimeout as pause } from 'node:timers/promises'
import { SmtpClient, type SmtpReply } from '../world/smtp-client.ts'
import { messageFor, recipientOf } from './message.ts'
import { plant } from './small-world.ts'

/** Mail offered over several connections at a time, through anything that happens to the relay. */
export type Load = {
  /** Recipient to decision id, for each message that was answered 250. */
  readonly accepted: ReadonlyMap<string, string>
  /** Recipients whose message was sent whole and never answered: the relay may have it or not. */
  readonly unanswered: ReadonlySet<string>
  /** Recipients whose message was answered 451 after its end: a fault of the relay's, so it may have stored it or not. */
  readonly unsure: ReadonlySet<string>
  /** What else was answered, shortened to code and rule, with how often. */
  readonly refused: ReadonlyMap<string, number>
  /** Waits until this many more are accepted; throws when that takes longer than `withinMs`. */
  acceptsMore(count: number, withinMs: number): Promise<void>
  stop(): Promise<void>
}

export type LoadOptions = {
  readonly host: string
  readonly port: number
  readonly connections: number
  readonly bodyBytes: number
  /** How long a connection rests between two messages, in milliseconds. */
  readonly restMs?: number
}

/** Sends messages, each to a recipient of its own, and notes what the relay answered, until it is stopped. */
export function startLoad(options: LoadOptions): Load {
  const accepted = new Map<string, string>()
  const unanswered = new Set<string>()
  const unsure = new Set<string>()
  const refused = new Map<string, number>()
  const state = { next: 0, stopped: false }

  const work = async (): Promise<void> => {
    let client: SmtpClient | null = null
    while (!state.stopped) {
      const recipient = recipientOf(state.next++)
      client ??= await connect(options)
      if (client === null) {
        await pause(20)
        continue
      }
      const told = await offer(client, recipient, options.bodyBytes)
      if (told.stage === 'taken') accepted.set(recipient, told.id)
      else if (told.stage === 'silent-after-data') unanswered.add(recipient)
      else if (told.stage === 'refused') {
        refused.set(told.words, (refused.get(told.words) ?? 0) + 1)
        if (told.unsure) unsure.add(recipient)
        await pause(50)
      }
      if (told.stage.startsWith('silent') || (told.stage === 'refused' && told.closing)) client = null
      else if (options.restMs !== undefined) await pause(options.restMs)
    }
    await client?.quit()
  }

  const workers = Array.from({ length: options.connections }, work)
  return {
    accepted,
    unanswered,
    unsure,
    refused,
    acceptsMore: async (count, withinMs) => {
      const wanted = accepted.size + count
      const deadline = performance.now() + withinMs
      while (accepted.size < wanted) {
        if (performance.now() > deadline)
          throw new Error(`the relay took ${withinMs} ms and accepted no ${count} messages`)
        await pause(5)
      }
    },
    stop: async () => {
      state.stopped = true
      await Promise.all(workers)
    },
  }
}

type Told =
  | { readonly stage: 'taken'; readonly id: string }
  | { readonly stage: 'refused'; readonly words: string; readonly closing: boolean; readonly unsure: boolean }
  /** The connection ended before, or after, the whole message was out. */
  | { readonly stage: 'silent-before-data' | 'silent-after-data' }

async function connect({ host, port }: LoadOptions): Promise<SmtpClient | null> {
  try {
    return await SmtpClient.open({ host, port, from: plant, greeting: 'plant.acme.example' })
  } catch {
    return null
  }
}

async function offer(client: SmtpClient, recipient: string, bodyBytes: number): Promise<Told> {
  for (const [line, wanted] of [
    ['MAIL FROM:<robot@acme.example>', 250],
    [`RCPT TO:<${recipient}>`, 250],
    ['DATA', 354],
  ] as const) {
    const answer = await client.command(line)
    if (answer.code === 0) return { stage: 'silent-before-data' }
    if (answer.code !== wanted) return refusal(answer, false)
  }
  // No line of it begins with a dot.
  client.write(`${messageFor(recipient, bodyBytes)}.\r\n`)
  const answer = await client.reply()
  if (answer.code === 0) return { stage: 'silent-after-data' }
  const id = / \(([0-9a-z]{16})\)$/.exec(answer.text)?.[1]
  return answer.code === 250 && id !== undefined ? { stage: 'taken', id } : refusal(answer, answer.code === 451)
}

function refusal({ code, text }: SmtpReply, unsure: boolean): Told {
  const rule = /\[[a-z-]+\]/.exec(text)?.[0] ?? text.slice(0, 40)
  return { stage: 'refused', words: `${code} ${rule}`, closing: code === 421, unsure }
}
