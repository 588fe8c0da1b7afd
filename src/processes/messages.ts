import type { Config } from '../config/index.ts'

/** What travels on the channel between the supervisor and its children. Plain JSON. */
export type FromSupervisor =
  /** First, once: the configuration as the supervisor read it, so that a restarted child never meets a half-edited file. */
  | { readonly kind: 'begin'; readonly config: Config }
  | { readonly kind: 'stop' }
  | { readonly kind: 'reload-policy' }
  | Passed

export type ToSupervisor =
  | { readonly kind: 'listening'; readonly what: 'http' | 'smtp'; readonly address: string; readonly port: number }
  | { readonly kind: 'ready' }
  /** The child can't do its work and says why; before the first `ready` this ends the start. */
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number }
  | Passed

/** A message of one child to the other; the supervisor passes it on unread. */
export type Passed = { readonly kind: 'pass'; readonly to: ChildName; readonly body: Question | Answer }

export type Question = { readonly question: number; readonly verb: string; readonly arguments: unknown }
export type Answer = { readonly answer: number } & ({ readonly value: unknown } | { readonly fault: string })

export type ChildName = 'control' | 'relay'
