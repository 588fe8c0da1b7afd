/** One mark on a source, made by an operator or by containment. */
export type StandingRow = {
  /** A tenant id, or `<customer>/<source>`. */
  readonly key: string
  readonly kind: 'suspended' | 'hold'
  readonly reason: string
  readonly by: string
  /** Milliseconds since the epoch; it counts from here on. */
  readonly since: number
  /** Milliseconds since the epoch, or null until it is lifted. */
  readonly until: number | null
}

export type Standing = {
  readonly suspended: { readonly reason: string } | null
  readonly hold: { readonly reason: string } | null
}

const inGoodStanding: Standing = { suspended: null, hold: null }

/** What is known against sources, across all customers; in memory, so that a decision never waits for it. */
export class StandingBook {
  #rows = new Map<string, readonly StandingRow[]>()

  constructor(rows: Iterable<StandingRow> = []) {
    this.replace(rows)
  }

  /** Takes the rows of a new version, all at once. */
  replace(rows: Iterable<StandingRow>): void {
    this.#rows = Map.groupBy(rows, ({ key }) => key.toLowerCase())
  }

  /** The standing of a source now. Null is a source that nothing proves, of which nothing is known. */
  standingFor(key: string | null, now: number): Standing {
    const rows = key === null ? undefined : this.#rows.get(key.toLowerCase())
    if (rows === undefined) return inGoodStanding
    return { suspended: markOf('suspended', rows, now), hold: markOf('hold', rows, now) }
  }
}

function markOf(
  kind: StandingRow['kind'],
  rows: readonly StandingRow[],
  now: number,
): { readonly reason: string } | null {
  const row = rows.find((one) => one.kind === kind && one.since <= now && (one.until === null || now < one.until))
  return row === undefined ? null : { reason: row.reason }
}
