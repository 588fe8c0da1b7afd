import type { Config } from '../config/index.ts'

/** What travels on the channel between the supervisor and its children. Plain JSON. */
export type FromSupervisor =
  /**
   * First, once: the configuration as the supervisor read it, so that a restarted child never meets a half-edited file.
   * `firstStart` until the whole instance has once been ready: only then does a bad file end it.
   */
  | { readonly kind: 'begin'; readonly config: Config; readonly firstStart: boolean }
  /** Control has taken the policy file: only now may mail be judged. */
  | { readonly kind: 'policy-taken' }
  | { readonly kind: 'stop' }
  /** Read files again (certificates, the policy) and take up what can change in a running process. Answered by `reloaded`. */
  | { readonly kind: 'reload'; readonly config: Config }
  /** The other child died: what it was asked will not be answered. */
  | { readonly kind: 'away'; readonly name: ChildName }
  | Passed

export type ToSupervisor =
  | {
      readonly kind: 'listening'
      readonly what: 'http' | 'smtp'
      readonly name: string
      readonly address: string
      readonly port: number
    }
  | { readonly kind: 'policy-taken' }
  | { readonly kind: 'ready' }
  /** The child can't do its work and says why; before the first `ready` of all this ends the start. */
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number }
  /** With what was wrong, line by line: that part stays as it was. */
  | { readonly kind: 'reloaded'; readonly problems: readonly string[] }
  | Passed

/** A message of one child to the other; the supervisor passes it on unread. */
export type Passed = { readonly kind: 'pass'; readonly to: ChildName; readonly body: Question | Answer }

export type Question = { readonly question: number; readonly verb: string; readonly arguments: unknown }
export type Answer = { readonly answer: number } & ({ readonly value: unknown } | { readonly fault: string })

export type ChildName = 'control' | 'relay'
