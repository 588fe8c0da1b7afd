import type { Config } from '../config/index.ts'
import type { ShapingRead } from './shaping-profiles.ts'

/** What travels on the channel between the supervisor and its children. Plain JSON; a socket travels beside a `door` message. */
export type FromSupervisor =
  /**
   * First, once: the configuration as the supervisor read it, so that a restarted child never meets a half-edited file.
   * `firstStart` until the whole instance has once been ready: only then does a bad file end it.
   */
  | ({
      readonly kind: 'begin'
      readonly config: Config
      readonly shaping: ShapingRead
      readonly firstStart: boolean
    } & Role)
  /** Control has taken the policy file: only now may mail be judged. */
  | { readonly kind: 'policy-taken' }
  | { readonly kind: 'stop' }
  /** Read files again (certificates, the policy) and take up what can change in a running process. Answered by `reloaded`. */
  | { readonly kind: 'reload'; readonly config: Config; readonly shaping: ShapingRead }
  /** Another child died: what it was asked will not be answered. */
  | { readonly kind: 'away'; readonly name: ChildName }
  | ({ readonly kind: 'door'; readonly name: string } & DoorWay)
  | Passed

/** Which child this is, and the shards without a relay of their own that it looks after. */
export type Role = { readonly name: ChildName; readonly adopted: readonly number[] }

/**
 * How a relay comes to its listening socket where several share a port. `kept`: it is in the message, kept from the process before.
 * `first`: whether the port can be had is to be found out. `beside`: others have it already.
 */
export type DoorWay = { readonly way: 'kept' | 'first' } | { readonly way: 'beside'; readonly port: number }

export type ToSupervisor =
  | {
      readonly kind: 'listening'
      readonly what: 'http' | 'smtp'
      readonly name: string
      readonly address: string
      readonly port: number
    }
  /** Asks how to open a listener; answered by `door`. */
  | { readonly kind: 'door-wanted'; readonly name: string }
  /** The listening socket comes with it, to be kept for the next process of this name. */
  | { readonly kind: 'door-opened'; readonly name: string; readonly port: number }
  | { readonly kind: 'policy-taken' }
  | { readonly kind: 'ready' }
  /** The child can't do its work and says why; before the first `ready` of all this ends the start. */
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number }
  /** With what was wrong, line by line: that part stays as it was. */
  | { readonly kind: 'reloaded'; readonly problems: readonly string[] }
  | Passed

/** A message of one child to another; the supervisor passes it on unread. */
export type Passed = {
  readonly kind: 'pass'
  readonly from: ChildName
  readonly to: ChildName
  readonly body: Question | Answer
}

export type Question = { readonly question: number; readonly verb: string; readonly arguments: unknown }
export type Answer = { readonly answer: number } & ({ readonly value: unknown } | { readonly fault: string })

/** A relay is named after its own shard. */
export type RelayName = `relay-${number}`
export type ChildName = 'control' | RelayName

export function relayNames(workers: number): readonly RelayName[] {
  return Array.from({ length: workers }, (_, shard) => `relay-${shard}` as const)
}

export function shardOf(name: RelayName): number {
  return Number(name.slice('relay-'.length))
}
