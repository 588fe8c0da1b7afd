import type { TestClient } from './client.ts'
import type { Scene } from './listener.ts'

/** How a seed is changed: each edit names a place by its share of the whole, so that it fits any seed. */
export type Edit =
  | { readonly kind: 'set' | 'insert'; readonly at: number; readonly octets: string }
  | { readonly kind: 'delete' | 'repeat'; readonly at: number; readonly length: number }

export function mutate(seed: string, edits: readonly Edit[]): string {
  let text = seed
  for (const edit of edits) {
    const at = Math.floor(edit.at * (text.length + 1))
    switch (edit.kind) {
      case 'set':
        text = text.slice(0, at) + edit.octets + text.slice(at + edit.octets.length)
        break
      case 'insert':
        text = text.slice(0, at) + edit.octets + text.slice(at)
        break
      case 'delete':
        text = text.slice(0, at) + text.slice(at + edit.length)
        break
      case 'repeat':
        text = text.slice(0, at) + text.slice(at, at + edit.length).repeat(3) + text.slice(at + edit.length)
        break
    }
  }
  return text
}

/**
 * Says hostile octets in the given number of segments and leaves; resolves once the server has let go of the session. Returns how many more
 * messages were accepted than the octets hold ends of data, which must never be more than none.
 */
export async function sayAndLeave(scene: Scene, octets: string, segments: number): Promise<number> {
  const before = scene.gate.accepted.length
  const client: TestClient = await scene.connect()
  const size = Math.max(1, Math.ceil(octets.length / segments))
  for (let from = 0; from < octets.length; from += size) {
    client.raw(octets.slice(from, from + size))
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  client.end()
  await client.closed()
  const ends = octets.split('\r\n.\r\n').length - 1
  return Math.max(0, scene.gate.accepted.length - before - ends)
}
