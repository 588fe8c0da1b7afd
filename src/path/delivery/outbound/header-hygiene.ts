import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseTagList } from '../../../standards/dkim/tag-list.ts'
import { type HeaderField, type HeaderSection, fieldValue } from '../../../standards/message/header-section.ts'
import { senderOf } from '../../../standards/message/feedback-id.ts'
import { type HeaderRow, brokenRows, removedRows } from './header-table.ts'

export type CleanHeader = {
  /** What is left, octet for octet. */
  readonly header: Buffer
  /** Names of the removed fields in lower case, in their order, each as often as it occurred. */
  readonly removed: readonly string[]
}

/**
 * Goes through the table: takes out the fields that it names, their look-alikes, and the signatures and ARC sets which that breaks, so
 * that our signature lends its weight to nothing that we did not check. What stays is not re-flowed, re-ordered or otherwise touched.
 * `sender` is the name that ends our own Feedback-ID.
 */
export function cleanHeader(section: HeaderSection, sender: string | null = null): CleanHeader {
  const gone = new Set(section.fields.filter((field) => isUnwanted(field.name) || isInOurName(section, field, sender)))
  for (let before = -1; before !== gone.size;) {
    before = gone.size
    for (const field of brokenBy(gone, section)) gone.add(field)
  }
  if (gone.size === 0) return { header: section.bytes, removed: [] }
  const left = section.fields.filter((field) => !gone.has(field))
  return {
    header: Buffer.concat(left.map((field) => section.bytes.subarray(field.start, field.end))),
    removed: section.fields.filter((field) => gone.has(field)).map((field) => field.name),
  }
}

function isInOurName(section: HeaderSection, field: HeaderField, sender: string | null): boolean {
  if (sender === null || field.name !== 'feedback-id') return false
  return senderOf(fieldValue(section, field)).toLowerCase() === sender
}

/** The first row that takes a field of this name (in lower case) out, or null. */
export function removalOf(name: string): HeaderRow | null {
  return matchers.find((matches) => matches.test(name))?.row ?? null
}

/** Mail of one sender has the same few names again and again. */
const maxRemembered = 2000
const remembered = new Map<string, boolean>()

function isUnwanted(name: string): boolean {
  const known = remembered.get(name)
  if (known !== undefined) return known
  const unwanted = removalOf(name) !== null
  if (remembered.size >= maxRemembered) remembered.clear()
  if (name.length <= 100) remembered.set(name, unwanted)
  return unwanted
}

const matchers = removedRows.map((row) => {
  const exact = new Set(row.names.filter((name) => !name.includes('*')))
  const patterns = row.names.filter((name) => name.includes('*')).map(matcherOf)
  const lookAlikes = row.lookAlikes ?? []
  return {
    row,
    test: (name: string): boolean => {
      if (exact.has(name) || patterns.some((matches) => matches(name))) return true
      if (lookAlikes.length === 0) return false
      const letters = name.replace(/[^a-z0-9]/g, '')
      return lookAlikes.some((known) => letters.startsWith(known))
    },
  }
})

/** One star, at the end or inside; it stands for one character at least where something follows it. */
function matcherOf(pattern: string): (name: string) => boolean {
  const star = pattern.indexOf('*')
  const [before, behind] = [pattern.slice(0, star), pattern.slice(star + 1)]
  if (behind === '') return (name) => name.startsWith(before)
  return (name) => name.length > before.length + behind.length && name.startsWith(before) && name.endsWith(behind)
}

const signatureNames: readonly string[] = brokenRows.signatures.names
const arcNames: readonly string[] = brokenRows.arc.names

/** Signatures that cover a removed field; of ARC the whole chain, since a set counts only with all the others (RFC 8617 §5.2). */
function brokenBy(gone: ReadonlySet<HeaderField>, section: HeaderSection): readonly HeaderField[] {
  const names = new Set([...gone].map((field) => field.name))
  const left = section.fields.filter((field) => !gone.has(field))
  const broken = left.filter((field) => signatureNames.includes(field.name) && covers(section, field, names))
  const arc = left.filter((field) => arcNames.includes(field.name))
  const arcBroken =
    arcNames.some((name) => names.has(name)) ||
    !isWhole(arc) ||
    arc.some((field) => field.name === 'arc-message-signature' && covers(section, field, names))
  return arcBroken ? [...broken, ...arc] : broken
}

/** Whether there are as many seals as signatures and results. */
function isWhole(arc: readonly HeaderField[]): boolean {
  const [seals, ...others] = arcNames.map((name) => arc.filter((field) => field.name === name).length)
  return others.every((count) => count === seals)
}

/** Whether `h=` names one of them. A signature whose tags can't be read verifies nowhere, so nothing breaks it. */
function covers(section: HeaderSection, field: HeaderField, names: ReadonlySet<string>): boolean {
  const tags = parseTagList(fieldValue(section, field))
  if (isSyntaxFault(tags)) return false
  return (tags.get('h') ?? '').split(':').some((name) => names.has(name.trim().toLowerCase()))
}
