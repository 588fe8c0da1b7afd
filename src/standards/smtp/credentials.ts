import { type SyntaxFault, syntaxFault } from '../fault.ts'
import { Secret } from '../secret.ts'

export type Credentials = { readonly username: string; readonly password: Secret<string> }

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const maxOctets = 255 // RFC 4616 §2 sets none; RFC 4954 §4 wants at least this much

/** The text of a client's response: base64 of UTF-8. `=`, the empty initial response (RFC 4954 §4), holds nothing that we ask for: a fault. */
export function readSaslText(response: Secret<string>): string | SyntaxFault {
  const text = response.reveal()
  if (!base64.test(text)) return syntaxFault('the response is not base64')
  try {
    return utf8.decode(Buffer.from(text, 'base64'))
  } catch {
    return syntaxFault('the response is not valid UTF-8')
  }
}

export function credentialsOf(username: string, password: string): Credentials | SyntaxFault {
  if (username === '' || password === '') return syntaxFault('the username or the password is empty')
  if (Buffer.byteLength(username) > maxOctets || Buffer.byteLength(password) > maxOctets) {
    return syntaxFault('the username or the password is too long')
  }
  return { username, password: new Secret(password) }
}
