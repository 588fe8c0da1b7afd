import type { CaseToVerify } from './verification.ts'

/** A case of `verify --batch` as its line says it; the message may still have to be read from a file. */
export type BatchCase = Omit<CaseToVerify, 'helo' | 'mailFrom'> & {
  readonly id: unknown
  /** null: the line does not say. */
  readonly helo: string | null
  readonly mailFrom: string | null
  readonly file: string | null
}

export type BadLine = { readonly id: unknown; readonly error: string }

/** Reads `{ id, message (base64) | file, ip, helo, mailFrom, zone, now }`. */
export function readBatchLine(text: string): BatchCase | BadLine {
  const given = parseObject(text)
  if (given === null) return { id: null, error: 'the line is not a JSON object' }
  const { id = null, message, zone = null, now } = given
  const bad = (error: string): BadLine => ({ id, error })
  const texts = { file: optionalText(given['file']), ip: optionalText(given['ip']) }
  const helo = optionalText(given['helo'])
  const mailFrom = optionalText(given['mailFrom'])
  for (const [name, value] of Object.entries({ ...texts, helo, mailFrom }))
    if (value === undefined) return bad(`${name} is not text`)
  const { file = null, ip = null } = texts
  const octets = message === undefined || message === null ? null : readBase64(message)
  if (octets === undefined) return bad('message is not base64')
  if (octets !== null && file !== null) return bad('there are both message and file')
  if (now !== undefined && now !== null && !isInstant(now)) return bad('now is not a time in seconds since the epoch')
  return {
    id,
    message: octets,
    file,
    ip,
    helo: helo ?? null,
    mailFrom: mailFrom ?? null,
    zone,
    now: isInstant(now) ? now : null,
  }
}

function parseObject(text: string): { readonly [key: string]: unknown } | null {
  try {
    const given: unknown = JSON.parse(text)
    return typeof given === 'object' && given !== null && !Array.isArray(given)
      ? (given as { readonly [key: string]: unknown })
      : null
  } catch {
    return null
  }
}

/** undefined: it is something else than text. */
function optionalText(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : undefined
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** undefined: it is no base64. Line breaks in it are allowed, as encoders put them there. */
function readBase64(value: unknown): Buffer | undefined {
  if (typeof value !== 'string') return undefined
  const dense = value.replace(/\s+/g, '').replace(/={1,2}$/, '')
  const octets = Buffer.from(dense, 'base64')
  return octets.length === Math.floor((dense.length * 3) / 4) && dense.length % 4 !== 1 ? octets : undefined
}
