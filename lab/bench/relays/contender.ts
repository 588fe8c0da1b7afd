import type { Member } from '../cpu.ts'

/** A relay under test, with a configuration, a queue and a key of its own, that delivers everything to one port. */
export type Contender = {
  readonly name: string
  readonly smtpPort: number
  /** The processes that began it: its cost is theirs and that of all below them. */
  readonly roots: readonly Member[]
  stop(): Promise<void>
}

/** How to start one, or why it can't be. */
export type Candidate = {
  readonly name: string
  /** null when it is installed; else what is missing. */
  readonly missing: string | null
  /** Starts it so that it delivers to that port of 127.0.0.1. */
  start(sinkPort: number): Promise<Contender>
}
