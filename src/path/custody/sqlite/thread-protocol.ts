/** To a thread: a group of requests. `bytes` holds what belongs to them; those of request `n` begin at `bases[n]`. */
export type Group<Request> = {
  readonly requests: readonly Request[]
  readonly bases: readonly number[]
  readonly bytes: Uint8Array | null
}

export type ToThread<Request> = Group<Request> | 'close'

export type Answered =
  | { readonly value: unknown }
  | { readonly error: { readonly message: string; readonly code: string | null; readonly damaged: string | null } }

export type FromThread<Opened> =
  | { readonly opened: Opened }
  | { readonly failed: { readonly message: string; readonly code: string | null } }
  | { readonly answers: readonly Answered[] }

/** What an error says, in a shape that crosses threads. `damaged` names the message that was set aside because of it. */
export function errorAnswer(error: unknown, damaged: string | null = null): Answered {
  return { error: { ...errorWords(error), damaged } }
}

export function errorWords(error: unknown): { readonly message: string; readonly code: string | null } {
  if (!(error instanceof Error)) return { message: String(error), code: null }
  const code = (error as { code?: unknown }).code
  return { message: error.message, code: typeof code === 'string' ? code : null }
}
