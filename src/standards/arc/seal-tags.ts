import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../fault.ts'
import { type KeyTags, readKeyTags } from '../dkim/signature-tags.ts'
import type { TagList } from '../dkim/tag-list.ts'
import type { ChainValidation } from './result.ts'

/** What an ARC-Seal says (RFC 8617 §4.1.3), its instance apart. */
export type SealTags = KeyTags & { readonly chainValidation: ChainValidation }

/** Reads the tags of an ARC-Seal. `h=` may not be there; it would make a reader believe that the Sealer chose what is covered. */
export function readSealTags(tags: TagList): SealTags | SyntaxFault {
  if (tags.has('h')) return syntaxFault('an ARC-Seal has h=')
  const key = readKeyTags(tags)
  if (isSyntaxFault(key)) return key
  if (key.signature.length === 0) return syntaxFault('b= is empty')
  const chainValidation = (tags.get('cv') ?? '').toLowerCase()
  if (chainValidation !== 'none' && chainValidation !== 'pass' && chainValidation !== 'fail')
    return syntaxFault('cv= is none of none, pass and fail')
  return { ...key, chainValidation }
}
