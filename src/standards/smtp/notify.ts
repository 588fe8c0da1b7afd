/** When the originator wants a DSN for one recipient (RFC 3461 §4.1). */
export type Notify = 'NEVER' | readonly ('SUCCESS' | 'FAILURE' | 'DELAY')[]
