import type { HeaderField, HeaderSection } from '../message/header-section.ts'

/** Indices into `section.fields` by field name, top first. */
export type FieldOccurrences = ReadonlyMap<string, readonly number[]>

/** Where each field name occurs. Lines that no reader would take for a field of that name are left out. */
export function fieldOccurrences(section: HeaderSection): FieldOccurrences {
  const occurrences = new Map<string, number[]>()
  section.fields.forEach((field, index) => {
    if (!isSuchField(field)) return
    const known = occurrences.get(field.name)
    if (known === undefined) occurrences.set(field.name, [index])
    else known.push(index)
  })
  return occurrences
}

/**
 * The fields that `h=` names, in its order: each further occurrence of a name takes the next field upwards, and one beyond the topmost
 * stands for nothing (RFC 6376 §5.4.2). `except` is the signature's own field, which is never among them (§3.5).
 */
export function namedFields(
  occurrences: FieldOccurrences,
  names: readonly string[],
  except: number,
): readonly number[] {
  const taken = new Map<string, number>()
  const fields: number[] = []
  for (const name of names) {
    const present = occurrences.get(name)
    if (present === undefined) continue
    let from = (taken.get(name) ?? present.length) - 1
    if (present[from] === except) from--
    taken.set(name, from)
    const index = present[from]
    if (index !== undefined) fields.push(index)
  }
  return fields
}

/** A blank before the colon is obsolete syntax (RFC 5322 §4.5.8), which canonicalisation removes; anything else makes it another line. */
function isSuchField(field: HeaderField): boolean {
  return field.malformed === null || field.malformed === 'the field name has a blank before the colon'
}
