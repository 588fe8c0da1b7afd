import { type SyntaxFault, isSyntaxFault } from '../fault.ts'
import type { Secret } from '../secret.ts'
import { type Credentials, credentialsOf, readSaslText } from './credentials.ts'

/** Reads the two responses of LOGIN, which no RFC defines: base64 of the username, then of the password. */
export function parseLoginResponses(
  usernameResponse: Secret<string>,
  passwordResponse: Secret<string>,
): Credentials | SyntaxFault {
  const username = readSaslText(usernameResponse)
  if (isSyntaxFault(username)) return username
  const password = readSaslText(passwordResponse)
  return isSyntaxFault(password) ? password : credentialsOf(username, password)
}
