import type { HeaderSection } from '../message/header-section.ts'
import { fieldOccurrences } from './field-occurrences.ts'

/**
 * Named in `h=` once more than they occur, present or not: nobody on the way may add one under our signature (RFC 6376 §5.4.2, §8.15).
 * From stands first.
 */
const alwaysSigned = [
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'reply-to',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]

/**
 * Named once more than they occur, when they occur at all. Their absence is not signed: a mailing list adds its own as it should
 * (RFC 5598 §5.3, RFC 2369), and a signature that forbids it would be lost on every list. RFC 8058 §4 wants List-Unsubscribe-Post signed.
 */
const signedWhenPresent = [
  'sender',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-date',
  'resent-message-id',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
  'feedback-id',
]

/** What is signed of a header section: the names for `h=`, and the fields in the order in which they enter the signing input. */
export type SignedSelection = {
  readonly names: readonly string[]
  /** Indices into `section.fields`; of one name the lowest field in the message comes first (RFC 6376 §5.4.2). */
  readonly fields: readonly number[]
}

export function selectSignedFields(section: HeaderSection): SignedSelection {
  const occurrences = fieldOccurrences(section)
  const names: string[] = []
  const fields: number[] = []
  const sign = (name: string, present: readonly number[]): void => {
    names.push(name)
    for (const index of present.toReversed()) {
      names.push(name)
      fields.push(index)
    }
  }
  for (const name of alwaysSigned) sign(name, occurrences.get(name) ?? [])
  for (const name of signedWhenPresent) {
    const present = occurrences.get(name)
    if (present !== undefined) sign(name, present)
  }
  return { names, fields }
}
