import type { Config } from '../config/index.ts'
import { exitCodes } from '../standards/exit-codes.ts'
import type { Answer, ChildName, FromSupervisor, Question, ToSupervisor } from './messages.ts'

/** A child's end of the channel. When the channel closes the supervisor is gone, and so is this process. */
export type SupervisorChannel = {
  readonly config: Config
  /** Until the whole instance has once been ready. */
  readonly firstStart: boolean
  say(message: ToSupervisor): void
  /** Resolves when control has taken the policy file. */
  policyTaken(): Promise<void>
  /** Asks the other child; rejects when it is away, answers with a fault, or says nothing for 10 seconds. */
  ask(to: ChildName, verb: string, args: unknown): Promise<unknown>
  /** Answers the other child's questions. */
  answer(handler: Answering): void
  onStop(stop: () => Promise<void>): void
  /** `reload` resolves to what was wrong, line by line; what it throws counts as such. */
  onReload(reload: Reload): void
}

type Answering = (verb: string, args: unknown) => Promise<unknown>
type Reload = (config: Config) => Promise<readonly string[]>
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
  let answering: Answering | null = null
  let stop: () => Promise<void> = async () => {}

  process.on('message', (message: FromSupervisor) => {
    switch (message.kind) {
      case 'begin':
        return begun.resolve(message)
      case 'policy-taken':
        return policy.resolve()
      case 'stop':
        return void end(stop)
      case 'reload':
        return void reloading.promise.then((reload) => takeUp(reload, message.config))
      case 'away':
        return questions.giveUp(`the ${message.name} process is away; it comes back by itself`)
      case 'pass': {
        const { body } = message
        if ('answer' in body) return questions.settle(body)
        const from = message.to === 'control' ? 'relay' : 'control'
        return void answerTo(body, answering).then((answer) => say({ kind: 'pass', to: from, body: answer }))
      }
      default:
        return message satisfies never
    }
  })
  const { config, firstStart } = await begun.promise
  return {
    config,
    firstStart,
    say,
    policyTaken: () => policy.promise,
    ask: (to, verb, args) => questions.ask(to, verb, args),
    answer: (handler) => {
      answering = handler
    },
    onStop: (handler) => {
      stop = handler
    },
    onReload: (handler) => reloading.resolve(handler),
  }
}

function say(message: ToSupervisor): void {
  if (process.connected) process.send?.(message)
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

async function takeUp(reload: Reload, config: Config): Promise<void> {
  // Through a promise, so that what is thrown at once is a problem too and not the end of the process.
  const taken = Promise.resolve(config).then(reload)
  say({ kind: 'reloaded', problems: await taken.catch((error: unknown) => [wordsOf(error)]) })
}

async function answerTo({ question, verb, arguments: args }: Question, handler: Answering | null): Promise<Answer> {
  if (handler === null) return { answer: question, fault: 'the process is not ready yet' }
  try {
    return { answer: question, value: await handler(verb, args) }
  } catch (error) {
    return { answer: question, fault: wordsOf(error) }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What was asked of the other child and is not answered yet. */
class Questions {
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #asked = 0

  ask(to: ChildName, verb: string, args: unknown): Promise<unknown> {
    const question = ++this.#asked
    return new Promise((resolve, reject) => {
      const fault = `the ${to} process does not answer`
      const timer = setTimeout(() => this.settle({ answer: question, fault }), askTimeoutMs)
      this.#waiting.set(question, (answer) => {
        clearTimeout(timer)
        if ('fault' in answer) reject(new Error(answer.fault))
        else resolve(answer.value)
      })
      say({ kind: 'pass', to, body: { question, verb, arguments: args } })
    })
  }

  settle(answer: Answer): void {
    const settle = this.#waiting.get(answer.answer)
    this.#waiting.delete(answer.answer)
    settle?.(answer)
  }

  giveUp(fault: string): void {
    for (const question of this.#waiting.keys()) this.settle({ answer: question, fault })
  }
}
