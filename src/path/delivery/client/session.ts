import type { Reply } from '../../../standards/smtp/reply.ts'
import type { Target } from '../routing/targets.ts'
import type { Timeouts, TlsPolicy } from '../settings.ts'
import { type Capabilities, noCapabilities, readCapabilities } from './capabilities.ts'
import { ConnectionTrouble, replyText } from './trouble.ts'
import { type TlsOutcome, Wire } from './wire.ts'

/** A server that greeted us and heard our name: ready for mail transactions. */
export type ClientSession = {
  readonly wire: Wire
  readonly target: Target
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
  readonly tlsRoots: readonly string[] | null
  readonly localAddress: string | null
  /** Is told when an opportunistic handshake failed and the mail goes in clear. */
  readonly onFallback: () => void
  /** Is given each connection as it opens, so that who stops the room can end it. */
  readonly onOpened: (wire: Wire) => void
}

/**
 * Opens a session as the policy asks. An opportunistic handshake that fails costs one new connection, in clear (RFC 7435 §3); a
 * required one that fails is trouble. Throws `ConnectionTrouble`.
 */
export async function openSession(target: Target, policy: TlsPolicy, options: SessionOptions): Promise<ClientSession> {
  try {
    return await greet(target, policy, options)
  } catch (error) {
    if (policy !== 'opportunistic' || !(error instanceof ConnectionTrouble) || error.kind !== 'tls') throw error
    options.onFallback()
    return greet(target, 'off', options)
  }
}

async function greet(target: Target, policy: TlsPolicy, options: SessionOptions): Promise<ClientSession> {
  const { timeouts } = options
  const wire = await Wire.connect(target.address, target.port, options.localAddress, timeouts.connect)
  options.onOpened(wire)
  try {
    const greeting = await wire.reply(timeouts.greeting)
    if (greeting.code !== 220) throw refusal('the server does not take mail now', greeting)
    const plain = await hello(wire, options)
    if (policy === 'off' || (policy === 'opportunistic' && !plain.startTls)) {
      return { wire, target, localAddress: options.localAddress, capabilities: plain, tls: null, transactions: 0 }
    }
    if (!plain.startTls) {
      throw new ConnectionTrouble('refused', 'the server offers no encryption, which the route requires')
    }
    return await secure(wire, target, policy, plain, options)
  } catch (error) {
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

/** Whatever goes wrong from STARTTLS to the second greeting is trouble with TLS: in clear the same server may do. */
async function secure(
  wire: Wire,
  target: Target,
  policy: TlsPolicy,
  plain: Capabilities,
  options: SessionOptions,
): Promise<ClientSession> {
  try {
    wire.send('STARTTLS\r\n')
    const answer = await wire.reply(options.timeouts.hello)
    if (answer.code !== 220) {
      if (policy === 'required') throw refusal('the server refused encryption, which the route requires', answer)
      return { wire, target, localAddress: options.localAddress, capabilities: plain, tls: null, transactions: 0 }
    }
    const tls = await wire.startTls(target.name, policy === 'required', options.tlsRoots, options.timeouts.tls)
    // RFC 3207 §4.2: what was offered in clear is forgotten.
    const capabilities = await hello(wire, options)
    return { wire, target, localAddress: options.localAddress, capabilities, tls, transactions: 0 }
  } catch (error) {
    if (!(error instanceof ConnectionTrouble)) throw error
    throw new ConnectionTrouble('tls', error.message, error.reply)
  }
}

function refusal(words: string, reply: Reply): ConnectionTrouble {
  return new ConnectionTrouble('refused', `${words}: ${replyText(reply)}`, reply)
}
