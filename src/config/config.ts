import type { z } from 'zod'
import type { Domain } from '../standards/names/domain.ts'
import type { schema } from './schema.ts'

type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : { readonly [Key in keyof T]: DeepReadonly<T[Key]> }

type Written = DeepReadonly<z.output<typeof schema>>

/**
 * The configuration as the program uses it: every default filled in, every path absolute, durations in milliseconds, frozen all through.
 */
export type Config = Omit<Written, 'hostname' | 'operator' | 'control' | 'store' | 'keys'> & {
  /** The file it was read from, or null when there is none. */
  readonly file: string | null
  readonly hostname: Domain
  readonly operator: { readonly domain: Domain }
  /** `publicUrl` has no slash at its end. With port 0 and no URL of its own it is only right once the port is known. */
  readonly control: Omit<Written['control'], 'publicUrl'> & { readonly publicUrl: string }
  /** `sqlite:` and an absolute path. */
  readonly store: { readonly url: string }
  /** `file:` and an absolute path, `env:NAME` or `command:COMMAND`. */
  readonly keys: { readonly wrapping: string; readonly zone: Domain; readonly rotateAfter: number | null }
}

/** Everything that is wrong, each as `FILE:LINE:COLUMN path: message`. */
export type ConfigProblems = { readonly problems: readonly string[] }

export function isConfigProblems(loaded: Config | ConfigProblems): loaded is ConfigProblems {
  return 'problems' in loaded
}
