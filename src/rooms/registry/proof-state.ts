/**
 * The life of a DNS proof: `unproven` until its record is first seen, then `proven`; `lapsing` once the record is gone, for as long as the
 * grace lasts; `lapsed` after that, until it is seen again.
 */
export type ProofState = 'unproven' | 'proven' | 'lapsing' | 'lapsed'

/** Moments are milliseconds since the epoch. The proof counts from `provedAt` on and, when `lapsesAt` is given, up to then. */
export type ProofStanding = {
  readonly state: ProofState
  readonly provedAt: number | null
  readonly lapsesAt: number | null
}

export const unproven: ProofStanding = { state: 'unproven', provedAt: null, lapsesAt: null }

/**
 * What a proof becomes by a look at `now`. Only proven absence begins a lapse, and the lapse ends by the clock: trouble neither begins
 * nor stops one. `graceMs` may be 0.
 */
export function afterLook(
  was: ProofStanding,
  answer: 'seen' | 'absent' | 'trouble',
  now: number,
  graceMs: number,
): ProofStanding {
  if (answer === 'seen') {
    const held = was.state === 'proven' || was.state === 'lapsing'
    return { state: 'proven', provedAt: held ? was.provedAt : now, lapsesAt: null }
  }
  switch (was.state) {
    case 'unproven':
    case 'lapsed':
      return was
    case 'lapsing':
      return (was.lapsesAt ?? now) <= now ? { ...was, state: 'lapsed' } : was
    case 'proven':
      if (answer === 'trouble') return was
      return { ...was, state: graceMs === 0 ? 'lapsed' : 'lapsing', lapsesAt: now + graceMs }
    default:
      return was.state satisfies never
  }
}

/** Name servers that have shown nothing but trouble for so long are gone, and so is what they showed. */
const mostTroubleMs = 30 * 86_400_000

/** What an answer counts as, when the record was last seen at `seenAt`. */
export function weighed(
  answer: 'seen' | 'absent' | 'trouble',
  seenAt: number | null,
  now: number,
): 'seen' | 'absent' | 'trouble' {
  return answer === 'trouble' && seenAt !== null && now - seenAt > mostTroubleMs ? 'absent' : answer
}

const dayMs = 86_400_000
const hourMs = 3_600_000
const soonestMs = 5_000

/**
 * When to look again. A proof that stands is looked for once a day, give or take a tenth, so that many which were proved together part;
 * after trouble sooner. One that is waited for is looked for soon while somebody is likely at work on it, hourly after a day, and
 * daily after a month. `chance` is from 0 up to 1.
 */
export function nextLookAt(
  standing: ProofStanding,
  looked: { readonly answer: 'seen' | 'absent' | 'trouble'; readonly since: number; readonly now: number },
  chance: number,
): number {
  const { answer, since, now } = looked
  const jitter = 0.9 + 0.2 * chance
  if (standing.state === 'proven') return now + Math.round((answer === 'trouble' ? hourMs / 4 : dayMs) * jitter)
  const age = Math.max(0, now - since)
  const wait = age > 30 * dayMs ? dayMs * jitter : Math.min(hourMs, Math.max(soonestMs, age / 20))
  const at = now + Math.round(wait)
  return standing.state === 'lapsing' ? Math.min(at, Math.max(now, standing.lapsesAt ?? at)) : at
}
