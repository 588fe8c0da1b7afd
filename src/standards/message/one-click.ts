import { type HeaderSection, fieldValue, fieldsNamed } from './header-section.ts'

/** Whether a message is marked as one of a list, and whether its reader can leave the list with one click (RFC 8058). */
export type ListMark = {
  /** It has a List-Id (RFC 2919) or a Precedence of bulk or list. */
  readonly marked: boolean
  /** `no-https`: a List-Unsubscribe without an https URI. `no-post`: without the List-Unsubscribe-Post that makes it one click. `none`: neither is there. */
  readonly oneClick: 'yes' | 'no-https' | 'no-post' | 'none'
}

/** Reads the fields of a mailing; null where a message has none of them. */
export function readListMark(section: HeaderSection): ListMark | null {
  const values = (name: string): readonly string[] =>
    fieldsNamed(section, name).map((field) => fieldValue(section, field).trim())
  const precedence = values('precedence').some((value) => /^(?:bulk|list)$/i.test(value))
  const marked = precedence || values('list-id').length > 0
  const unsubscribe = values('list-unsubscribe')
  const post = values('list-unsubscribe-post')
  if (!marked && unsubscribe.length === 0 && post.length === 0) return null
  return { marked, oneClick: oneClickOf(unsubscribe, post) }
}

/** RFC 8058 §3.1: one https URI at least, and the one value that List-Unsubscribe-Post may have; each field once. */
function oneClickOf(unsubscribe: readonly string[], post: readonly string[]): ListMark['oneClick'] {
  if (unsubscribe.length === 0) return 'none'
  if (unsubscribe.length > 1 || !/<https:\/\/[^<>\s]{1,2000}>/i.test(unsubscribe[0] ?? '')) return 'no-https'
  return post.length === 1 && /^List-Unsubscribe=One-Click$/i.test(post[0] ?? '') ? 'yes' : 'no-post'
}
