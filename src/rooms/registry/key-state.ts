/** Where a key is in its life. What each state means and who moves a key is in KEYS.md. */
export type KeyState = 'pending' | 'published' | 'active' | 'retiring' | 'retired' | 'revoked'

export type KeyEvent =
  /** All who know the zone at first hand show the record. */
  | 'seen'
  /** One of them says that it does not. */
  | 'unseen'
  /** No cache can hold what stood at the name before. */
  | 'settled'
  /** A newer key of the same customer, domain, source and algorithm signs. */
  | 'superseded'
  /** Nothing that it signed can be on its way any more. */
  | 'aged'
  | 'revoked'

const arrows: { readonly [state in KeyState]: { readonly [event in KeyEvent]?: KeyState } } = {
  pending: { seen: 'published', superseded: 'retired', revoked: 'revoked' },
  published: { unseen: 'pending', settled: 'active', superseded: 'retired', revoked: 'revoked' },
  active: { superseded: 'retiring', revoked: 'revoked' },
  retiring: { aged: 'retired', revoked: 'revoked' },
  retired: { revoked: 'revoked' },
  revoked: {},
}

/** The state that an event leads to; null where it changes nothing. */
export function nextState(state: KeyState, event: KeyEvent): KeyState | null {
  return arrows[state][event] ?? null
}

/** What must stand in DNS for a key in this state. */
export function recordDue(state: KeyState): 'key' | 'revocation' | 'nothing' {
  switch (state) {
    case 'pending':
    case 'published':
    case 'active':
    case 'retiring':
      return 'key'
    case 'revoked':
      return 'revocation'
    case 'retired':
      return 'nothing'
    default:
      return state satisfies never
  }
}

/** A signature is good for seven days (`x=`), so the record of a key must outlive its last signature by as much; in milliseconds. */
const signatureLifetime = 7 * 86_400_000

/** When a key that ceased to sign at `since` is no longer needed by mail on its way, which other relays keep as long as we do at most. */
export function agedAt(since: number, giveUpAfter: number): number {
  return since + signatureLifetime + giveUpAfter
}

/** How long resolvers may hold the record that stood at a name before, in milliseconds: few zones have a longer TTL. */
const cachesForget = 86_400_000

/** When a key seen at `seenAt` may sign: at once unless it has to rest since its name had another key. */
export function settledAt(seenAt: number, rests: boolean): number {
  return rests ? seenAt + cachesForget : seenAt
}
