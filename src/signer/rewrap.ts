import { isRecord } from './json.ts'
import type { WrappedKey } from './protocol.ts'
import { fetchWrappingKey } from './wrapping-place.ts'
import { type WrappingKey, unwrapKey, wrapKey } from './wrapping.ts'

/** Wraps the keys that a request in JSON brings anew. Throws an Error in plain words when the request makes no sense or a wrapping key can't be had. */
export function rewrap(text: string): readonly (string | null)[] {
  const request: unknown = JSON.parse(text)
  if (
    !isRecord(request) ||
    typeof request['wrapping'] !== 'string' ||
    typeof request['to'] !== 'string' ||
    !Array.isArray(request['keys'])
  ) {
    throw new Error('the request does not say wrapping, to and keys')
  }
  const old = fetchWrappingKey(request['wrapping'])
  const fresh = request['to'] === request['wrapping'] ? old : fetchWrappingKey(request['to'])
  return (request['keys'] as readonly WrappedKey[]).map((key) => rewrapOne(key, old, fresh))
}

function rewrapOne(key: WrappedKey, old: WrappingKey, fresh: WrappingKey): string | null {
  const done = unwrapKey(fresh, key)
  const der = done ?? unwrapKey(old, key)
  if (der === null) return null
  const wrapped = done === null ? wrapKey(fresh, key, der).wrapped : key.wrapped
  der.fill(0)
  return wrapped
}
