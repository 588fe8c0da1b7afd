import type { Arrival } from '../world/receiver.ts'
import { awaited } from './play.ts'
import { belongsTo } from './stage.ts'
import type { Expectation } from './story.ts'
import type { Named } from './worlds.ts'

/**
 * Signed messages at the receiver that no story of this world lets be signed: those of attacks, those for nobody, and more than an
 * honest story sent. It looks at every arrival there was, whatever each story said of itself.
 */
export function signedSpoofs(arrivals: readonly Arrival[], stories: readonly Named[]): readonly Arrival[] {
  const left = new Map(stories.map(({ name, story }) => [name, signedOnesAwaited(story.expect)]))
  return arrivals.filter((arrival) => {
    if (arrival.dkim.length === 0) return false
    const owner = stories.find(({ name }) => belongsTo(name, arrival))
    if (owner === undefined) return true
    const remaining = left.get(owner.name) ?? 0
    left.set(owner.name, remaining - 1)
    return remaining <= 0 || !signsOnly(arrival, owner.story.expect)
  })
}

function signedOnesAwaited(expected: Expectation): number {
  return 'told' in expected ? expected.signed : awaited(expected)
}

function signsOnly(arrival: Arrival, expected: Expectation): boolean {
  return !('signedFor' in expected) || arrival.dkim.every((one) => one.domain === expected.signedFor)
}
