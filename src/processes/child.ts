import type { Config } from '../config/index.ts'
import type { Answer, ChildName, FromSupervisor, Question, ToSupervisor } from './messages.ts'

/** A child's end of the channel. When the channel closes the supervisor is gone, and so is this process. */
export type SupervisorChannel = {
  readonly config: Config
  say(message: ToSupervisor): void
  /** Asks the other child; rejects when it is away, answers with a fault, or says nothing for 10 seconds. */
  ask(to: ChildName, verb: string, args: unknown): Promise<unknown>
  /** Answers the other child's questions. */
  answer(handler: (verb: string, args: unknown) => Promise<unknown>): void
  onStop(stop: () => Promise<void>): void
  onReloadPolicy(reload: () => Promise<void>): void
}

const askTimeoutMs = 10_000

/**
 * Opens the channel of a child process and waits for its configuration. Signals are the supervisor's affair: they reach the
 * whole process group, and a child that obeyed them would drop what is in the air.
 */
export async function openSupervisorChannel(): Promise<SupervisorChannel> {
  if (process.send === undefined) throw new Error('this command is run by `anechoic start` only')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('disconnect', () => process.exit(0))

  const waiting = new Map<number, (answer: Answer) => void>()
  let asked = 0
  let answering: ((verb: string, args: unknown) => Promise<unknown>) | null = null
  let stop: () => Promise<void> = async () => {}
  let reload: () => Promise<void> = async () => {}

  const say = (message: ToSupervisor): void => {
    if (process.connected) process.send?.(message)
  }

  const reply = async (from: ChildName, question: Question): Promise<void> => {
    const answer = await answerTo(question, answering)
    say({ kind: 'pass', to: from, body: answer })
  }

  const config = await new Promise<Config>((resolve) => {
    process.on('message', (message: FromSupervisor) => {
      switch (message.kind) {
        case 'begin':
          return resolve(message.config)
        case 'stop':
          return void stop().then(
            () => process.exit(0),
            () => process.exit(70),
          )
        case 'reload-policy':
          return void reload()
        case 'pass': {
          const { body } = message
          if ('question' in body) return void reply(message.to === 'control' ? 'relay' : 'control', body)
          waiting.get(body.answer)?.(body)
          return
        }
        default:
          return message satisfies never
      }
    })
  })

  return {
    config,
    say,
    ask: (to, verb, args) =>
      new Promise((resolve, reject) => {
        const question = ++asked
        const timer = setTimeout(
          () => settle({ answer: question, fault: `the ${to} process does not answer` }),
          askTimeoutMs,
        )
        const settle = (answer: Answer): void => {
          clearTimeout(timer)
          waiting.delete(question)
          if ('fault' in answer) reject(new Error(answer.fault))
          else resolve(answer.value)
        }
        waiting.set(question, settle)
        say({ kind: 'pass', to, body: { question, verb, arguments: args } })
      }),
    answer: (handler) => {
      answering = handler
    },
    onStop: (handler) => {
      stop = handler
    },
    onReloadPolicy: (handler) => {
      reload = handler
    },
  }
}

async function answerTo(
  question: Question,
  handler: ((verb: string, args: unknown) => Promise<unknown>) | null,
): Promise<Answer> {
  if (handler === null) return { answer: question.question, fault: 'not ready yet' }
  try {
    return { answer: question.question, value: await handler(question.verb, question.arguments) }
  } catch (error) {
    return { answer: question.question, fault: error instanceof Error ? error.message : String(error) }
  }
}
