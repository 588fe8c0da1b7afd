/** What came of asking for a document: it, or why there is none, in words. */
export type Fetched = { readonly json: unknown } | { readonly trouble: string }

/** Reads a JSON document by GET, following no redirect, in at most `timeoutMs` milliseconds and `maxOctets` octets. Never throws. */
export async function fetchJson(
  url: string,
  limits: { readonly timeoutMs: number; readonly maxOctets: number },
): Promise<Fetched> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(limits.timeoutMs),
    })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      return { trouble: `it answered ${response.status}` }
    }
    const pieces: Uint8Array[] = []
    let octets = 0
    for await (const piece of response.body) {
      octets += piece.length
      if (octets > limits.maxOctets) return { trouble: `it answered more than ${limits.maxOctets} octets` }
      pieces.push(piece)
    }
    return { json: JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown }
  } catch (error) {
    if (error instanceof SyntaxError) return { trouble: 'it answered no JSON' }
    const cause = error instanceof Error ? (error.cause ?? error) : error
    return { trouble: cause instanceof Error ? cause.message : String(cause) }
  }
}
