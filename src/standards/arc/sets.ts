import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { signatureText } from '../dkim/bare-signature.ts'
import type { FieldOccurrences } from '../dkim/field-occurrences.ts'
import { type TagList, parseTagList } from '../dkim/tag-list.ts'
import { type HeaderField, type HeaderSection, fieldValue } from '../message/header-section.ts'
import { type SealTags, readSealTags } from './seal-tags.ts'

/** RFC 8617 §4.2.1: no chain is longer. */
const mostSets = 50

/** A signature field of an ARC set. */
export type ArcField = {
  /** Index into `section.fields`. */
  readonly index: number
  readonly field: HeaderField
  /** The value as octets one to one, and the tags read from it. */
  readonly text: string
  readonly list: TagList
}

export type ArcSet = {
  readonly instance: number
  readonly results: { readonly field: HeaderField; readonly text: string }
  readonly message: ArcField
  readonly seal: ArcField & { readonly tags: SealTags }
}

type SetParts = Partial<Omit<ArcSet, 'instance'>>

const blankOrComment = String.raw`(?:[ \t]|\([^()\\]{0,200}\)){0,200}`
const results = new RegExp(
  `^${blankOrComment}i${blankOrComment}=${blankOrComment}([0-9]{1,2})${blankOrComment};([^]*)$`,
)
const position = /^[0-9]{1,2}$/

/**
 * Groups the ARC fields of a message into sets, oldest first (RFC 8617 §5.2 steps 1 to 3): instances from 1 without a gap, each with one
 * field of each kind. No ARC field at all is an empty list.
 */
export function readArcSets(section: HeaderSection, occurrences: FieldOccurrences): readonly ArcSet[] | SyntaxFault {
  const seals = occurrences.get('arc-seal') ?? []
  const messages = occurrences.get('arc-message-signature') ?? []
  const authentications = occurrences.get('arc-authentication-results') ?? []
  if (Math.max(seals.length, messages.length, authentications.length) > mostSets)
    return syntaxFault('there are more than 50 ARC sets')
  const sets = new Map<number, SetParts>()
  for (const index of authentications) {
    const fault = placeResults(section, index, sets)
    if (fault !== null) return fault
  }
  for (const [name, indices] of [['message', messages] as const, ['seal', seals] as const]) {
    for (const index of indices) {
      const fault = placeSignature(section, index, name, sets)
      if (fault !== null) return fault
    }
  }
  return inOrder(sets)
}

function placeResults(section: HeaderSection, index: number, sets: Map<number, SetParts>): SyntaxFault | null {
  const field = section.fields[index]
  if (field === undefined) return null
  const [, digits = '', text = ''] = results.exec(fieldValue(section, field)) ?? []
  return place(sets, instanceOf(digits), 'results', { field, text: text.trim() })
}

function placeSignature(
  section: HeaderSection,
  index: number,
  name: 'message' | 'seal',
  sets: Map<number, SetParts>,
): SyntaxFault | null {
  const field = section.fields[index]
  if (field === undefined) return null
  const text = signatureText(section, field)
  const list = parseTagList(text)
  if (isSyntaxFault(list)) return list
  const instance = instanceOf(list.get('i') ?? '')
  if (name === 'message') return place(sets, instance, 'message', { index, field, text, list })
  const tags = readSealTags(list)
  return isSyntaxFault(tags) ? tags : place(sets, instance, 'seal', { index, field, text, list, tags })
}

function place<Name extends keyof SetParts>(
  sets: Map<number, SetParts>,
  instance: number | null,
  name: Name,
  part: NonNullable<SetParts[Name]>,
): SyntaxFault | null {
  if (instance === null) return syntaxFault('an ARC field has no instance from 1 to 50')
  const set = sets.get(instance) ?? {}
  if (set[name] !== undefined) return syntaxFault('an ARC set has two fields of one kind')
  sets.set(instance, { ...set, [name]: part })
  return null
}

function instanceOf(digits: string): number | null {
  const instance = position.test(digits) ? Number(digits) : 0
  return instance >= 1 && instance <= mostSets ? instance : null
}

function inOrder(parts: ReadonlyMap<number, SetParts>): readonly ArcSet[] | SyntaxFault {
  const sets: ArcSet[] = []
  for (let instance = 1; instance <= parts.size; instance++) {
    const { results: found, message, seal } = parts.get(instance) ?? {}
    if (found === undefined || message === undefined || seal === undefined)
      return syntaxFault('an ARC set is missing or lacks a field')
    sets.push({ instance, results: found, message, seal })
  }
  return sets
}
