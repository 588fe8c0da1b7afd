import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import type { Secret } from '../secret.ts'
import { type Credentials, credentialsOf, readSaslText } from './credentials.ts'

/**
 * Reads the response of SASL PLAIN (RFC 4616 §2): base64 of `[authzid] NUL authcid NUL passwd`. Acting for somebody else is not
 * offered, so an authzid that differs from the authcid is a fault.
 */
export function parsePlainResponse(response: Secret<string>): Credentials | SyntaxFault {
  const message = readSaslText(response)
  if (isSyntaxFault(message)) return message
  const [authzid, authcid, password, ...more] = message.split('\0')
  if (authzid === undefined || authcid === undefined || password === undefined || more.length > 0) {
    return syntaxFault('the response is not the three parts of PLAIN')
  }
  if (authzid !== '' && authzid !== authcid) return syntaxFault('authorisation as another identity is not offered')
  return credentialsOf(authcid, password)
}
