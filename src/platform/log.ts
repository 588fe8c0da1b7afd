/** Structured log lines on stderr. `fields` must hold no secrets and no message content. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  child(fields: LogFields): Log
}

export type LogFields = { readonly [key: string]: unknown }
