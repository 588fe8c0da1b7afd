import type { Reply } from '../../../standards/smtp/reply.ts'

/** What a server offered in its answer to EHLO (RFC 5321 §4.1.1.1). HELO offers nothing. */
export type Capabilities = {
  readonly pipelining: boolean
  /** Octets that it takes at most (RFC 1870): a number, null for no stated limit, `absent` without the extension. */
  readonly size: number | null | 'absent'
  readonly eightBitMime: boolean
  readonly smtputf8: boolean
  readonly dsn: boolean
  readonly startTls: boolean
  /** RFC 8689; worth something only behind STARTTLS. */
  readonly requireTls: boolean
}

export const noCapabilities: Capabilities = {
  pipelining: false,
  size: 'absent',
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  startTls: false,
  requireTls: false,
}

/** The first line of the reply greets; each further one is a keyword with parameters. */
export function readCapabilities(reply: Reply): Capabilities {
  const offered = new Map<string, string>()
  for (const line of reply.lines.slice(1)) {
    const [keyword = '', parameter = ''] = line.trim().split(/[ =]+/, 2)
    offered.set(keyword.toUpperCase(), parameter)
  }
  return {
    pipelining: offered.has('PIPELINING'),
    size: sizeOf(offered.get('SIZE')),
    eightBitMime: offered.has('8BITMIME'),
    smtputf8: offered.has('SMTPUTF8'),
    dsn: offered.has('DSN'),
    startTls: offered.has('STARTTLS'),
    requireTls: offered.has('REQUIRETLS'),
  }
}

/** RFC 1870 §4: zero and no number both mean that no fixed limit is stated. */
function sizeOf(parameter: string | undefined): number | null | 'absent' {
  if (parameter === undefined) return 'absent'
  if (!/^[0-9]{1,20}$/.test(parameter)) return null
  const limit = Number(parameter)
  return limit === 0 ? null : limit
}
