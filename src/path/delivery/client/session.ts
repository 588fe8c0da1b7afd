import type { Reply } from '../../../standards/smtp/reply.ts'
import type { Failure } from '../protection/failure.ts'
import { type Verdict, judgeConnection, mayGoInClear, noEncryptionOffered } from '../protection/judge.ts'
import type { Wanted } from '../protection/wanted.ts'
import type { Target } from '../routing/targets.ts'
import type { Timeouts } from '../settings.ts'
import { type Capabilities, noCapabilities, readCapabilities } from './capabilities.ts'
import { ConnectionTrouble, replyText } from './trouble.ts'
import { type TlsOutcome, Wire } from './wire.ts'

/** What a session may be opened under: a server that is barred gets none. */
export type Allowed = Exclude<Wanted, { kind: 'barred' }>

/** A server that greeted us and heard our name: ready for mail transactions. */
export type ClientSession = {
  readonly wire: Wire
  readonly target: Target
  readonly wanted: Allowed
  /** Whether the server proved to be the one that was meant. */
  readonly authenticated: boolean
  /** Ours, or null where the system chose it. */
  readonly localAddress: string | null
  readonly capabilities: Capabilities
  readonly tls: TlsOutcome | null
  /** Mail transactions begun on it. */
  transactions: number
}

export type SessionOptions = {
  readonly hostname: string
  readonly timeouts: Timeouts
  readonly localAddress: string | null
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Is told when an opportunistic handshake failed and the mail goes in clear. */
  readonly onFallback: () => void
  /** Is given each connection as it opens, so that who stops the room can end it. */
  readonly onOpened: (wire: Wire) => void
  /** Is told how the protection of each session came out, once for each. */
  readonly onJudged: (wire: Wire, verdict: Verdict) => void
}

/**
 * Opens a session that is as it is wanted, or throws `ConnectionTrouble`. Where mail may go in clear, a handshake that fails costs one
 * new connection without it (RFC 7435 §3).
 */
export async function openSession(target: Target, wanted: Allowed, options: SessionOptions): Promise<ClientSession> {
  try {
    return await greet(target, wanted, true, options)
  } catch (error) {
    const mayGo = wanted.kind !== 'clear' && mayGoInClear(wanted)
    if (!mayGo || !(error instanceof ConnectionTrouble) || error.kind !== 'tls') throw error
    options.onFallback()
    return greet(target, wanted, false, options)
  }
}

async function greet(
  target: Target,
  wanted: Allowed,
  encrypt: boolean,
  options: SessionOptions,
): Promise<ClientSession> {
  const { timeouts, localAddress } = options
  const wire = await Wire.connect(target.address, target.port, localAddress, timeouts.connect)
  options.onOpened(wire)
  try {
    const greeting = await wire.reply(timeouts.greeting)
    if (greeting.code !== 220) throw refusal('the server does not take mail now', greeting)
    const plain = await hello(wire, options)
    const clear = { wire, target, wanted, authenticated: false, localAddress, capabilities: plain, tls: null }
    if (wanted.kind === 'clear' || !encrypt) return { ...clear, transactions: 0 }
    const secured = plain.startTls ? await secure(wire, target, wanted, options) : noEncryptionOffered()
    if ('because' in secured) {
      judged(wire, judgeConnection(wanted, target.name, { none: secured }, options.now()), options)
      return { ...clear, transactions: 0 }
    }
    return { ...clear, ...secured, transactions: 0 }
  } catch (error) {
    if (error instanceof ConnectionTrouble) error.dialogue ??= wire.dialogue
    wire.fail('aborted', 'the session did not come about')
    throw error
  }
}

/** EHLO, or HELO where a server does not know it (RFC 5321 §3.2). */
async function hello(wire: Wire, options: SessionOptions): Promise<Capabilities> {
  wire.send(`EHLO ${options.hostname}\r\n`)
  const extended = await wire.reply(options.timeouts.hello)
  if (extended.code === 250) return readCapabilities(extended)
  if (extended.code < 500) throw refusal('the server refused our greeting', extended)
  wire.send(`HELO ${options.hostname}\r\n`)
  const plain = await wire.reply(options.timeouts.hello)
  if (plain.code === 250) return noCapabilities
  throw refusal('the server refused our greeting', plain)
}

/** Goes on encrypted, or answers why the server would not. Whatever breaks from STARTTLS to the second greeting is trouble with TLS. */
async function secure(
  wire: Wire,
  target: Target,
  wanted: Allowed,
  options: SessionOptions,
): Promise<Pick<ClientSession, 'authenticated' | 'capabilities' | 'tls'> | Failure> {
  const { timeouts, now } = options
  let tls: TlsOutcome
  try {
    wire.send('STARTTLS\r\n')
    const answer = await wire.reply(timeouts.hello)
    if (answer.code !== 220) {
      return { ...noEncryptionOffered(), because: `the server refused encryption: ${replyText(answer)}` }
    }
    tls = await wire.startTls(target.name, wanted.roots, timeouts.tls)
  } catch (error) {
    if (!(error instanceof ConnectionTrouble)) throw error
    const failure: Failure = { type: 'validation-failure', because: error.message, status: '4.7.5' }
    options.onJudged(wire, judgeConnection(wanted, target.name, { none: failure }, now()))
    throw new ConnectionTrouble('tls', error.message, error.reply)
  }
  const { authenticated } = judged(wire, judgeConnection(wanted, target.name, tls, now()), options)
  try {
    // RFC 3207 §4.2: what was offered in clear is forgotten.
    return { authenticated, capabilities: await hello(wire, options), tls }
  } catch (error) {
    if (!(error instanceof ConnectionTrouble)) throw error
    throw new ConnectionTrouble('tls', error.message, error.reply)
  }
}

/** Tells of the verdict, and throws where no mail may go over the connection. */
function judged(wire: Wire, verdict: Verdict, options: SessionOptions): Verdict {
  options.onJudged(wire, verdict)
  const { mayGo, failure } = verdict
  if (mayGo) return verdict
  throw new ConnectionTrouble(
    'unprotected',
    failure?.because ?? 'the server is not who it should be',
    null,
    failure?.status,
  )
}

function refusal(words: string, reply: Reply): ConnectionTrouble {
  return new ConnectionTrouble('refused', `${words}: ${replyText(reply)}`, reply)
}
