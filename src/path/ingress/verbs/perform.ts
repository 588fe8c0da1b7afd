import type { Command, Verb } from '../../../standards/smtp/command.ts'
import type { Service, State, Step } from '../step.ts'
import { auth } from './auth.ts'
import { data } from './data.ts'
import { greet } from './greet.ts'
import { help } from './help.ts'
import { mail } from './mail.ts'
import { noop } from './noop.ts'
import { quit } from './quit.ts'
import { rcpt } from './rcpt.ts'
import { rset } from './rset.ts'
import { starttls } from './starttls.ts'
import { bdat, foreign } from './unoffered.ts'
import { vrfy } from './vrfy.ts'

/**
 * Commands whose reply a client must have seen before it goes on (RFC 2920 §3.1, RFC 3207 §4, RFC 4954 §4): octets that
 * came along with one were meant for another state of the session than the one they would be read in.
 */
export const synchronising: ReadonlySet<Verb> = new Set([
  'EHLO',
  'HELO',
  'DATA',
  'STARTTLS',
  'AUTH',
  'VRFY',
  'NOOP',
  'HELP',
])

export function perform(command: Command, state: State, service: Service): Step | Promise<Step> {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return greet({ verb: command.verb, greeting: command.greeting }, state, service)
    case 'MAIL':
      return mail(command, state, service)
    case 'RCPT':
      return rcpt(command, state, service)
    case 'DATA':
      return data(state, service)
    case 'RSET':
      return rset(state)
    case 'NOOP':
      return noop(state)
    case 'VRFY':
      return vrfy(state, service)
    case 'HELP':
      return help(state)
    case 'QUIT':
      return quit(state)
    case 'STARTTLS':
      return starttls(state, service)
    case 'AUTH':
      return auth(command, state, service)
    case 'BDAT':
      return bdat(state)
    case 'FOREIGN':
      return foreign(state)
  }
}
