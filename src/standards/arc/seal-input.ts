import { withoutSignature } from '../dkim/bare-signature.ts'
import { relaxedField, writeRelaxedField } from '../dkim/relaxed-header.ts'
import type { HeaderSection } from '../message/header-section.ts'
import type { ArcSet } from './sets.ts'

/**
 * What each seal of a chain signs (RFC 8617 §5.1.1): the fields of all sets up to its own, oldest set first, in the order results, message
 * signature, seal, each relaxed and with its CRLF; its own seal last, with an empty `b=` and no CRLF. The chain is canonicalised once.
 */
export function sealInputs(section: HeaderSection, sets: readonly ArcSet[]): (instance: number) => Buffer {
  const length = sets.reduce((sum, set) => sum + fieldsOf(set).reduce((of, one) => of + one.end - one.start + 1, 0), 0)
  const chain = Buffer.allocUnsafe(length)
  const beforeSeal: number[] = []
  let at = 0
  for (const set of sets) {
    for (const field of fieldsOf(set)) {
      if (field === set.seal.field) beforeSeal.push(at)
      at = writeRelaxedField(section.bytes, field.start, field.end, chain, at)
      chain[at++] = 0x0d
      chain[at++] = 0x0a
    }
  }
  return (instance) => {
    const { seal } = sets[instance - 1] as ArcSet
    const own = relaxedField(withoutSignature(section, seal.field, seal.text))
    return Buffer.concat([chain.subarray(0, beforeSeal[instance - 1]), own])
  }
}

function fieldsOf(set: ArcSet): readonly { readonly start: number; readonly end: number }[] {
  return [set.results.field, set.message.field, set.seal.field]
}
