/**
 * What custody was asked may or may not have happened; the cause says more. To a client it is 451.
 * - `unavailable`: the thread that writes or reads is down, or custody is closed.
 * - `busy`: more waits to be written than custody is willing to remember.
 * - `disk`: the disk or the database answered with an error; `code` is SQLite's or the system's.
 * - `damaged`: the message is not what was stored; it was set aside.
 * - `in-use`: another process owns the shard.
 */
export class CustodyError extends Error {
  readonly kind: 'unavailable' | 'busy' | 'disk' | 'damaged' | 'in-use'
  readonly code: string | null

  constructor(kind: CustodyError['kind'], message: string, code: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CustodyError'
    this.kind = kind
    this.code = code
  }
}
