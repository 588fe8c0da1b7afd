/** A Content-Type as far as reports need it (RFC 2045 §5.1): the type in lower case, and parameters by lower-case name. */
export type ContentType = { readonly type: string; readonly parameters: ReadonlyMap<string, string> }

const parameter =
  /;[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]{1,60})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.){0,300})"|([^\s;"]{0,300}))/g

/** Reads what it can; without a type it is `text/plain` (RFC 2045 §5.2). The first parameter of a name counts. */
export function readContentType(value: string | null): ContentType {
  const text = (value ?? '').slice(0, 2000)
  const type = /^[ \t]*([A-Za-z0-9!#$&^_.+-]{1,60}\/[A-Za-z0-9!#$&^_.+-]{1,60})/.exec(text)?.[1]?.toLowerCase()
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, plain] of text.matchAll(parameter)) {
    const key = name.toLowerCase()
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
  }
  return { type: type ?? 'text/plain', parameters }
}
