import { type ArcResult, openArcVerification } from '../arc/index.ts'
import { isSyntaxFault } from '../fault.ts'
import { type HeaderSection, scanHeaderSection } from '../message/header-section.ts'
import { BodyHashes } from './body-hashes.ts'
import type { Circumstances, KeyAnswer, KeyAnswers } from './key-answers.ts'
import type { SignatureResult } from './signature-result.ts'
import { openDkimVerification } from './verification.ts'

/** A message cut at the empty line; a section that cannot be scanned is null. */
export function cut(message: Buffer): { readonly section: HeaderSection | null; readonly body: Buffer } {
  const end = message.indexOf('\r\n\r\n')
  const header = message.subarray(0, end === -1 ? message.length : end + 2)
  const section = scanHeaderSection(header)
  return {
    section: isSyntaxFault(section) ? null : section,
    body: message.subarray(end === -1 ? message.length : end + 4),
  }
}

/** What is stored with bare LF, as it goes over the wire. */
export function withLineEnds(text: string): Buffer {
  return Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'latin1')
}

export type Verdicts = { readonly dkim: readonly SignatureResult[]; readonly arc: ArcResult }

/** DKIM and ARC of a message together, the body fed in chunks of this size. */
export function verifyMessage(message: Buffer, circumstances: Circumstances, chunkSize = 65_536): Verdicts | null {
  const { section, body } = cut(message)
  if (section === null) return null
  const bodies = new BodyHashes()
  const dkim = openDkimVerification(section, bodies)
  const arc = openArcVerification(section, bodies)
  for (let at = 0; at < body.length; at += chunkSize) bodies.update(body.subarray(at, at + chunkSize))
  return { dkim: dkim.conclude(circumstances), arc: arc.conclude(circumstances) }
}

/** The signatures of a message that has a header section. */
export function verifyDkim(message: Buffer, circumstances: Circumstances): readonly SignatureResult[] {
  const verdicts = verifyMessage(message, circumstances)
  if (verdicts === null) throw new Error('the message has no header section')
  return verdicts.dkim
}

/** Records by name; a name that is not there does not exist. */
export function keysOf(zone: { readonly [name: string]: readonly string[] | 'unavailable' }): KeyAnswers {
  const known = new Map(
    Object.entries(zone).map(([name, records]): [string, KeyAnswer] => [
      name.toLowerCase(),
      records === 'unavailable' ? { kind: 'unavailable' } : { kind: 'found', records },
    ]),
  )
  return new (class extends Map<string, KeyAnswer> {
    override get(name: string): KeyAnswer {
      return super.get(name) ?? { kind: 'absent' }
    }
  })(known)
}
