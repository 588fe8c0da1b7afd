import { type SyntaxFault, syntaxFault } from '../fault.ts'
import { Secret } from '../secret.ts'

export type PlainCredentials = { readonly username: string; readonly password: Secret<string> }

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const maxOctets = 255 // RFC 4616 §2 sets none; RFC 4954 §4 wants at least this much

/**
 * Reads the response of SASL PLAIN (RFC 4616 §2): base64 of `[authzid] NUL authcid NUL passwd`. Acting for somebody else is not
 * offered, so an authzid that differs from the authcid is a fault. `=` alone is the empty initial response (RFC 4954 §4).
 */
export function parsePlainResponse(response: Secret<string>): PlainCredentials | SyntaxFault {
  const text = response.reveal()
  if (!base64.test(text)) return syntaxFault('the response is not base64')
  let message: string
  try {
    message = utf8.decode(Buffer.from(text, 'base64'))
  } catch {
    return syntaxFault('the response is not valid UTF-8')
  }
  const [authzid, authcid, password, ...more] = message.split('\0')
  if (authzid === undefined || authcid === undefined || password === undefined || more.length > 0) {
    return syntaxFault('the response is not the three parts of PLAIN')
  }
  if (authcid === '' || password === '') return syntaxFault('the username or the password is empty')
  if (Buffer.byteLength(authcid) > maxOctets || Buffer.byteLength(password) > maxOctets) {
    return syntaxFault('the username or the password is too long')
  }
  if (authzid !== '' && authzid !== authcid) return syntaxFault('authorisation as another identity is not offered')
  return { username: authcid, password: new Secret(password) }
}
