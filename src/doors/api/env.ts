import type { Caller } from './tokens.ts'

/** What a request carries from its door to its resource. */
export type ApiEnv = { Variables: { caller: Caller } }
