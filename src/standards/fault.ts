/**
 * What a parser answers when its input is not in the grammar. Parsers return it; they never throw on input.
 * `reason` is plain ASCII words that may be shown to a peer or an operator; it holds no peer-supplied bytes.
 */
export type SyntaxFault = {
  readonly fault: 'syntax'
  readonly reason: string
  /** Offset into the parsed text or bytes, where known. */
  readonly at?: number
}

export function syntaxFault(reason: string, at?: number): SyntaxFault {
  return at === undefined ? { fault: 'syntax', reason } : { fault: 'syntax', reason, at }
}

export function isSyntaxFault(value: unknown): value is SyntaxFault {
  return typeof value === 'object' && value !== null && (value as { fault?: unknown }).fault === 'syntax'
}
