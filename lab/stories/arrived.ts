import { bodyOf, headerOf } from './play.ts'
import type { Story } from './story.ts'

/** That the body came out octet for octet as it was sent. */
export function sameBody(body: string): NonNullable<Story['arrived']> {
  const sent = Buffer.from(body).toString('latin1')
  return (arrivals) => (arrivals.every(({ text }) => bodyOf(text) === sent) ? [] : ['the body is not what was sent'])
}

/** The tags of each DKIM-Signature field of a message; blanks are taken out of their values (RFC 6376 §3.2). */
export function unfoldedSignatures(text: string): readonly ReadonlyMap<string, string>[] {
  const fields = headerOf(text)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  return fields
    .filter((field) => /^dkim-signature:/i.test(field))
    .map((field) => {
      const tags = field.slice(field.indexOf(':') + 1).split(';')
      return new Map(
        tags.map((tag) => {
          const equals = tag.indexOf('=')
          return [tag.slice(0, equals).trim(), tag.slice(equals + 1).replace(/\s/g, '')] as const
        }),
      )
    })
}
