import type { SecureContext } from 'node:tls'
import { Secret } from '../../standards/secret.ts'
import { maxAuthOctets, maxCommandOctets, parseCommand } from '../../standards/smtp/command.ts'
import { formatReply } from '../../standards/smtp/format-reply.ts'
import { isRefusal } from '../../standards/smtp/parameters.ts'
import { type Reply, reply } from '../../standards/smtp/reply.ts'
import { askGate, describe } from './ask-gate.ts'
import type { Session } from './gate.ts'
import { Holding, receiveData } from './receive-data.ts'
import { type Next, type Service, type State, type Step, newState, progress, refuse } from './step.ts'
import { factsOf, secure } from './tls.ts'
import { endData } from './verbs/data.ts'
import { perform, synchronising } from './verbs/perform.ts'
import type { LineRead, Wire } from './wire.ts'

/** A stop does not wait long for clients that never close their side. */
const stopLingerMs = 200

/**
 * One client, from greeting to goodbye. This loop alone reads and writes: it takes a line, lets its verb say what to answer, answers, and
 * does what comes next.
 */
export class Conversation {
  readonly #wire: Wire
  readonly #service: Service
  readonly #context: SecureContext | null
  readonly #isStopping: () => boolean
  #state: State
  #errors = 0
  #idleCommands = 0

  constructor(
    wire: Wire,
    service: Service,
    context: SecureContext | null,
    session: Session,
    isStopping: () => boolean,
  ) {
    this.#wire = wire
    this.#service = service
    this.#context = context
    this.#isStopping = isStopping
    this.#state = newState(session)
  }

  /** Never rejects. Resolves when the socket is closed. */
  async run(): Promise<void> {
    try {
      this.#say(reply(220, null, `${this.#service.hostname} ESMTP`))
      let next: Next = 'command'
      while (next !== 'close') next = await this.#take(next)
    } catch (thrown) {
      this.#service.log.error('a conversation failed', { cause: describe(thrown) })
      this.#say(reply(421, '4.3.0', 'temporary fault on our side, please try again'))
    }
    const { lingerMs } = this.#service.patience
    await this.#wire.close(this.#isStopping() ? Math.min(lingerMs, stopLingerMs) : lingerMs)
  }

  #take(next: Exclude<Next, 'close'>): Promise<Next> {
    switch (next) {
      case 'command':
        return this.#takeCommand()
      case 'data':
        return this.#takeData()
      case 'starttls':
        return this.#takeTls()
      default:
        return this.#takeAnswer(next.answer)
    }
  }

  async #takeCommand(): Promise<Next> {
    if (this.#isStopping()) return this.#answer(this.#stopped('shutdown'))
    const read = await this.#wire.readLine(maxCommandOctets, this.#idleMs)
    if (read.kind !== 'line') return this.#answer(await this.#unreadable(read, '5.5.2'))
    const { session } = this.#state
    const command = parseCommand(read.line, {
      extended: session.extended,
      xoorg: session.tls !== null,
      requireTls: session.tls !== null,
    })
    if (isRefusal(command)) return this.#answer({ ...progress(command.refusal, this.#state), weight: 'error' })
    if (this.#wire.hasInput && synchronising.has(command.verb)) {
      const text = `wait for the reply to ${command.verb} before you send more`
      return this.#answer(refuse(this.#state, 503, '5.5.1', text, 'close'))
    }
    return this.#answer(await perform(command, this.#state, this.#service))
  }

  async #takeAnswer(answer: (line: Secret<string>) => Promise<Step>): Promise<Next> {
    const read = await this.#wire.readLine(() => maxAuthOctets, this.#idleMs)
    if (read.kind !== 'line') return this.#answer(await this.#unreadable(read, '5.5.6'))
    return this.#answer(await answer(new Secret(read.line.toString('latin1'))))
  }

  async #takeData(): Promise<Next> {
    const holding = new Holding(this.#service.options.budget.bytes)
    try {
      const received = await receiveData(this.#wire, this.#service, holding)
      const next = this.#answer(await endData(received, this.#state, this.#service))
      // The client must hear of its message now, not after what it pipelined behind it.
      this.#wire.flush()
      return next
    } finally {
      holding.adjustTo(0)
    }
  }

  /** RFC 3207 §4.2: all that was known of the client in clear is forgotten; the session starts again from what TLS says. */
  async #takeTls(): Promise<Next> {
    if (this.#context === null) throw new Error('STARTTLS without a context')
    const secured = await secure(this.#wire.release(), this.#context, this.#idleMs)
    if (secured === null) {
      this.#service.log.info('the TLS handshake failed', { client: this.#state.session.client.address })
      return 'close'
    }
    this.#wire.adopt(secured)
    const { listener, client, openedAt } = this.#state.session
    this.#state = newState({
      listener,
      client,
      greeting: null,
      extended: false,
      tls: factsOf(secured),
      account: null,
      openedAt,
    })
    return 'command'
  }

  /** Says the reply and takes over the state, unless the client has used up our patience. */
  #answer(step: Step): Next {
    this.#state = step.state
    if (step.weight === 'accepted') this.#errors = this.#idleCommands = 0
    if (step.weight === 'error') this.#errors++
    if (step.weight === 'idle') this.#idleCommands++
    const { maxErrors, maxIdleCommands } = this.#service.patience
    if (step.next !== 'close' && (this.#errors > maxErrors || this.#idleCommands > maxIdleCommands)) {
      this.#say(reply(421, '4.7.0', 'too many commands that lead nowhere'))
      return 'close'
    }
    this.#say(step.reply)
    return step.next
  }

  async #unreadable(read: Exclude<LineRead, { kind: 'line' }>, tooLong: string): Promise<Step> {
    switch (read.kind) {
      case 'line-endings': {
        const { session, transaction } = this.#state
        const fault = { kind: 'line-endings', where: 'command' } as const
        const { gate } = this.#service
        const heard = await askGate(this.#service, fault.kind, () => gate.onFault(session, transaction, fault))
        return progress(heard, this.#state, 'close')
      }
      case 'too-long':
        return refuse(this.#state, 500, tooLong, 'the line is too long', read.resumable ? 'command' : 'close')
      case 'stopped':
        return this.#stopped(read.stop)
    }
  }

  #stopped(stop: 'gone' | 'timeout' | 'shutdown'): Step {
    switch (stop) {
      case 'shutdown':
        return refuse(this.#state, 421, '4.3.2', 'shutting down, please try again later', 'close')
      case 'timeout':
        return refuse(this.#state, 421, '4.4.2', 'nothing was heard for too long', 'close')
      case 'gone':
        return refuse(this.#state, 421, '4.4.2', 'the client is gone', 'close')
    }
  }

  get #idleMs(): number {
    return this.#service.options.limits.idleTimeoutSeconds * 1000
  }

  #say(heard: Reply): void {
    this.#wire.say(formatReply(heard))
  }
}
