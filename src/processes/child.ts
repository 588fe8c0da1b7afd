import type { SendHandle } from 'node:child_process'
import type { Config } from '../config/index.ts'
import { exitCodes } from '../standards/exit-codes.ts'
import type { Answer, ChildName, DoorWay, FromSupervisor, Question, ToSupervisor } from './messages.ts'
import type { ShapingRead } from './shaping-profiles.ts'

/** A child's end of the channel. When the channel closes the supervisor is gone, and so is this process. */
export type SupervisorChannel = {
  readonly config: Config
  /** What receivers are given, as the supervisor read it. */
  readonly shaping: ShapingRead
  readonly name: ChildName
  /** Shards without a relay of their own that this one looks after. */
  readonly adopted: readonly number[]
  /** Until the whole instance has once been ready. */
  readonly firstStart: boolean
  /** A listening socket that the supervisor is to keep goes with the message. */
  say(message: ToSupervisor, socket?: SendHandle): void
  /** Resolves when control has taken the policy file. */
  policyTaken(): Promise<void>
  /** How to open a listener whose port several relays share; with the socket, where one is kept. */
  door(name: string): Promise<DoorWay & { readonly socket: unknown }>
  /** Asks another child; rejects when it is away, answers with a fault, or says nothing for 10 seconds. */
  ask(to: ChildName, verb: string, args: unknown): Promise<unknown>
  /** Answers the other children's questions, those that `answerOne` does not. */
  answer(handler: Answering): void
  /** Answers one kind of question. */
  answerOne(verb: string, handler: (args: unknown, from: ChildName) => Promise<unknown>): void
  /** Hears of another child's death; it comes back by itself. */
  onAway(hear: (name: ChildName) => void): void
  onStop(stop: () => Promise<void>): void
  /** `reload` resolves to what was wrong, line by line; what it throws counts as such. */
  onReload(reload: Reload): void
}

type Answering = (verb: string, args: unknown) => Promise<unknown>
type Reload = (config: Config, shaping: ShapingRead) => Promise<readonly string[]>
type Reloaded = Extract<FromSupervisor, { readonly kind: 'reload' }>
type Begin = Extract<FromSupervisor, { readonly kind: 'begin' }>

const askTimeoutMs = 10_000

/**
 * Opens the channel of a child process and waits for its configuration. Signals are the supervisor's affair: they reach the
 * whole process group, and a child that obeyed them would drop what is in the air.
 */
export async function openSupervisorChannel(): Promise<SupervisorChannel> {
  if (process.send === undefined) throw new Error('this command is run by `anechoic start` only')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('disconnect', () => process.exit(exitCodes.fine))

  const begun = Promise.withResolvers<Begin>()
  const policy = Promise.withResolvers<void>()
  const reloading = Promise.withResolvers<Reload>()
  const questions = new Questions()
  const answers = new Answers()
  const doors = new Map<string, PromiseWithResolvers<DoorWay & { readonly socket: unknown }>>()
  const heirs: ((name: ChildName) => void)[] = []
  let stop: () => Promise<void> = async () => {}

  process.on('message', (message: FromSupervisor, socket: unknown) => {
    switch (message.kind) {
      case 'begin':
        questions.asker = message.name
        return begun.resolve(message)
      case 'door':
        return doors.get(message.name)?.resolve({ ...message, socket })
      case 'policy-taken':
        return policy.resolve()
      case 'stop':
        return void end(stop)
      case 'reload':
        return void reloading.promise.then((reload) => takeUp(reload, message))
      case 'away':
        questions.giveUp(message.name)
        for (const hear of heirs) hear(message.name)
        return
      case 'pass': {
        const { body, from, to } = message
        if ('answer' in body) return questions.settle(body)
        return void answers.to(body, from).then((answer) => say({ kind: 'pass', from: to, to: from, body: answer }))
      }
      default:
        return message satisfies never
    }
  })
  const { config, shaping, firstStart, name, adopted } = await begun.promise
  return {
    config,
    shaping,
    name,
    adopted,
    firstStart,
    say,
    policyTaken: () => policy.promise,
    door: (listener) => {
      const door = Promise.withResolvers<DoorWay & { readonly socket: unknown }>()
      doors.set(listener, door)
      say({ kind: 'door-wanted', name: listener })
      return door.promise
    },
    ask: (to, verb, args) => questions.ask(to, verb, args),
    answer: (handler) => {
      answers.others = handler
    },
    answerOne: (verb, handler) => answers.byVerb.set(verb, handler),
    onAway: (hear) => heirs.push(hear),
    onStop: (handler) => {
      stop = handler
    },
    onReload: (handler) => reloading.resolve(handler),
  }
}

function say(message: ToSupervisor, socket?: SendHandle): void {
  if (!process.connected) return
  if (socket === undefined) process.send?.(message)
  else process.send?.(message, socket, { keepOpen: true })
}

async function end(stop: () => Promise<void>): Promise<void> {
  try {
    await stop()
    process.exit(exitCodes.fine)
  } catch (error) {
    say({ kind: 'failed', message: `stopping failed: ${wordsOf(error)}`, exitCode: exitCodes.fault })
    process.exit(exitCodes.fault)
  }
}

async function takeUp(reload: Reload, { config, shaping }: Reloaded): Promise<void> {
  // In a function that waits, so that what is thrown at once is a problem too and not the end of the process.
  const taken = async (): Promise<readonly string[]> => reload(config, shaping)
  say({ kind: 'reloaded', problems: await taken().catch((error: unknown) => [wordsOf(error)]) })
}

/** What this process answers, by verb. */
class Answers {
  readonly byVerb = new Map<string, (args: unknown, from: ChildName) => Promise<unknown>>()
  others: Answering | null = null

  async to({ question, verb, arguments: args }: Question, from: ChildName): Promise<Answer> {
    const handler = this.byVerb.get(verb)
    if (handler === undefined && this.others === null)
      return { answer: question, fault: 'the process is not ready yet' }
    try {
      return { answer: question, value: await (handler?.(args, from) ?? this.others?.(verb, args)) }
    } catch (error) {
      return { answer: question, fault: wordsOf(error) }
    }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

type Waiting = { readonly of: ChildName; readonly settle: (answer: Answer) => void }

/** What was asked of other children and is not answered yet. */
class Questions {
  asker: ChildName = 'control'
  readonly #waiting = new Map<number, Waiting>()
  /** No process asks by a number that one before it of the same name asked by: a late answer would be taken for another. */
  #asked = Date.now() * 1000

  ask(to: ChildName, verb: string, args: unknown): Promise<unknown> {
    const question = ++this.#asked
    return new Promise((resolve, reject) => {
      const fault = `the ${to} process does not answer`
      const timer = setTimeout(() => this.settle({ answer: question, fault }), askTimeoutMs)
      const settle = (answer: Answer): void => {
        clearTimeout(timer)
        if ('fault' in answer) reject(new Error(answer.fault))
        else resolve(answer.value)
      }
      this.#waiting.set(question, { of: to, settle })
      say({ kind: 'pass', from: this.asker, to, body: { question, verb, arguments: args } })
    })
  }

  settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.answer)
    this.#waiting.delete(answer.answer)
    waiting?.settle(answer)
  }

  giveUp(name: ChildName): void {
    const fault = `the ${name} process is away; it comes back by itself`
    for (const [question, { of }] of this.#waiting) if (of === name) this.settle({ answer: question, fault })
  }
}
