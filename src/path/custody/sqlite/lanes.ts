import type Database from 'better-sqlite3'

/** Who is sent another way by hand stands in a lane of that way, not in that of the domain. */
const enterLanes = `
    INSERT INTO lane (destination, customer, ready_at)
      SELECT ifnull(new.route, domain), new.customer, min(due_at) FROM recipient
      WHERE message = new.key AND state = 'pending' GROUP BY ifnull(new.route, domain)
      ON CONFLICT (destination, customer) DO UPDATE SET ready_at = min(ready_at, excluded.ready_at);
    UPDATE recipient SET lane = (
        SELECT key FROM lane WHERE destination = ifnull(new.route, recipient.domain) AND customer = new.customer)
      WHERE message = new.key AND state = 'pending';`

const laneTable = `
  CREATE TABLE lane (
    key INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    customer TEXT NOT NULL,
    ready_at INTEGER NOT NULL,
    parked_until INTEGER NOT NULL DEFAULT 0,
    UNIQUE (destination, customer)
  );
`

/**
 * The schedule. A lane is the mail of one customer for one destination; each pending recipient of a queued message stands in one, in
 * the order in which they come due. `ready_at` is never later than the earliest of them, unless the lane rests until `parked_until`.
 *
 * Work is found by two indexes, whatever the length of the queue: which lanes are ready, and who is first in one. A destination that is
 * down costs its lane's one row and none of its messages. What lowers a moment or moves a message between the queue and a hold is
 * followed by triggers, so that no statement can forget it.
 */
export const laneTables = `
  ${laneTable}
  CREATE TABLE tally (
    state TEXT PRIMARY KEY,
    messages INTEGER NOT NULL
  ) WITHOUT ROWID;
  ALTER TABLE recipient ADD COLUMN lane INTEGER;
  DROP INDEX IF EXISTS message_due;

  INSERT INTO lane (destination, customer, ready_at)
    SELECT recipient.domain, message.customer, min(recipient.due_at)
    FROM message JOIN recipient ON recipient.message = message.key
    WHERE message.state = 'queued' AND recipient.state = 'pending'
    GROUP BY recipient.domain, message.customer;
  UPDATE recipient SET lane = (
      SELECT lane.key FROM message JOIN lane ON lane.destination = recipient.domain AND lane.customer = message.customer
      WHERE message.key = recipient.message AND message.state = 'queued')
    WHERE state = 'pending';
  INSERT INTO tally (state, messages) SELECT state, count(*) FROM message GROUP BY state;

  CREATE TRIGGER recipient_earlier AFTER UPDATE OF due_at ON recipient
    WHEN new.lane IS NOT NULL AND new.due_at < old.due_at
  BEGIN
    UPDATE lane SET ready_at = new.due_at WHERE key = new.lane AND ready_at > new.due_at;
  END;
  CREATE TRIGGER message_unqueued AFTER UPDATE OF state ON message
    WHEN old.state = 'queued' AND new.state <> 'queued'
  BEGIN
    UPDATE recipient SET lane = NULL WHERE message = new.key AND lane IS NOT NULL;
  END;
  CREATE TRIGGER message_queued AFTER UPDATE OF state ON message
    WHEN old.state <> 'queued' AND new.state = 'queued'
  BEGIN
    ${enterLanes}
  END;
  CREATE TRIGGER message_rerouted AFTER UPDATE OF route ON message
    WHEN new.state = 'queued' AND old.state = 'queued' AND new.route IS NOT old.route
  BEGIN
    ${enterLanes}
  END;
  CREATE TRIGGER message_counted AFTER INSERT ON message
  BEGIN
    INSERT INTO tally (state, messages) VALUES (new.state, 1)
      ON CONFLICT (state) DO UPDATE SET messages = messages + 1;
  END;
  CREATE TRIGGER message_recounted AFTER UPDATE OF state ON message WHEN old.state <> new.state
  BEGIN
    UPDATE tally SET messages = messages - 1 WHERE state = old.state;
    INSERT INTO tally (state, messages) VALUES (new.state, 1)
      ON CONFLICT (state) DO UPDATE SET messages = messages + 1;
  END;
  CREATE TRIGGER message_uncounted AFTER DELETE ON message
  BEGIN
    UPDATE tally SET messages = messages - 1 WHERE state = old.state;
  END;
`

/** What of the schema goes when the lanes are made again. */
export const laneNames: readonly string[] = ['lane', 'sqlite_autoindex_lane_1']

/** Makes the lanes again from those who stand in them. */
export const laneTableAgain = `
  ${laneTable}
  INSERT INTO lane (key, destination, customer, ready_at)
    SELECT recipient.lane, ifnull(message.route, recipient.domain), message.customer, min(recipient.due_at)
    FROM recipient JOIN message ON message.key = recipient.message
    WHERE recipient.lane IS NOT NULL
    GROUP BY recipient.lane;
`

const readyLane = `SELECT key, destination, customer, ready_at AS readyAt, parked_until AS parkedUntil
    FROM lane INDEXED BY lane_ready`
const waitingMessage = 'SELECT due_at AS dueAt, message FROM recipient INDEXED BY recipient_due'

/**
 * What is asked to find work. Each is one search of an index, and none looks at a message. Going on behind a place takes two: behind it at the
 * same moment, and at a later one; asked as one, all of the same moment would be gone through again.
 */
export const laneQuestions = {
  readyBeside: `${readyLane} WHERE ready_at = ? AND key > ? ORDER BY key LIMIT ?`,
  readyLater: `${readyLane} WHERE ready_at > ? AND ready_at <= ? ORDER BY ready_at, key LIMIT ?`,
  next: 'SELECT ready_at FROM lane INDEXED BY lane_ready WHERE ready_at > ? ORDER BY ready_at LIMIT 1',
  waitingBeside: `${waitingMessage} WHERE lane = ? AND due_at = ? AND message > ? ORDER BY message LIMIT 1`,
  waitingLater: `${waitingMessage} WHERE lane = ? AND due_at > ? AND due_at <= ? ORDER BY due_at, message LIMIT 1`,
  first: 'SELECT due_at FROM recipient INDEXED BY recipient_due WHERE lane = ? ORDER BY due_at LIMIT 1',
} as const

/** More lanes than this are not remembered; they are looked up again. */
const maxRemembered = 65_536

type Known = { readonly key: number; readonly readyAt: number; readonly parkedUntil: number }

/** The lanes as the one connection that writes them knows them. */
export class LaneBook {
  readonly #find: Database.Statement
  readonly #insert: Database.Statement
  readonly #advance: Database.Statement
  readonly #first: Database.Statement
  readonly #rest: Database.Statement
  readonly #delete: Database.Statement
  readonly #known = new Map<string, Known>()

  constructor(db: Database.Database) {
    this.#find = db.prepare(
      'SELECT key, ready_at AS readyAt, parked_until AS parkedUntil FROM lane WHERE destination = ? AND customer = ?',
    )
    this.#insert = db.prepare('INSERT INTO lane (destination, customer, ready_at) VALUES (?, ?, ?)')
    this.#advance = db.prepare('UPDATE lane SET ready_at = ? WHERE key = ?')
    this.#first = db.prepare(laneQuestions.first).pluck()
    this.#rest = db.prepare('UPDATE lane SET ready_at = ?, parked_until = ? WHERE key = ?')
    this.#delete = db.prepare('DELETE FROM lane WHERE key = ?')
  }

  /** The key of the lane that a recipient who is due at that moment stands in; made where there is none. */
  enter(destination: string, customer: string, dueAt: number): number {
    const name = `${destination}\n${customer}`
    const known = this.#known.get(name)
    if (known !== undefined && known.readyAt <= Math.max(known.parkedUntil, dueAt)) return known.key
    const found = (this.#find.get(destination, customer) as Known | undefined) ?? null
    const lane = found === null ? this.#make(destination, customer, dueAt) : this.#lowered(found, dueAt)
    if (this.#known.size >= maxRemembered) this.#known.clear()
    this.#known.set(name, lane)
    return lane.key
  }

  /** Lets a lane rest until then, or until its first is due, if that is later. One in which nobody stands ends. */
  rest(destination: string, customer: string, until: number): void {
    const lane = this.#find.get(destination, customer) as Known | undefined
    this.#known.delete(`${destination}\n${customer}`)
    if (lane === undefined) return
    const first = this.#first.get(lane.key) as number | undefined
    if (first === undefined) this.#delete.run(lane.key)
    else this.#rest.run(Math.max(first, until), until, lane.key)
  }

  /** What is remembered may have been rolled back. */
  forget(): void {
    this.#known.clear()
  }

  #make(destination: string, customer: string, dueAt: number): Known {
    const key = Number(this.#insert.run(destination, customer, dueAt).lastInsertRowid)
    return { key, readyAt: dueAt, parkedUntil: 0 }
  }

  #lowered(lane: Known, dueAt: number): Known {
    const readyAt = Math.max(lane.parkedUntil, dueAt)
    if (lane.readyAt <= readyAt) return lane
    this.#advance.run(readyAt, lane.key)
    return { ...lane, readyAt }
  }
}
