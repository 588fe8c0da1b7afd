import type { TlsaRecord } from '../dns/inquiry.ts'

/** A TLSA record that mail can be judged by. */
export type DaneRecord = {
  /** `end-entity` (DANE-EE, 3) is the certificate of the server; `authority` (DANE-TA, 2) stands above it. */
  readonly usage: 'end-entity' | 'authority'
  readonly selector: 'certificate' | 'public-key'
  readonly matching: 'whole' | 'sha256' | 'sha512'
  /** Hexadecimal, in lower case. */
  readonly data: string
}

/** More records than this at one name are not looked at. */
const maxRecords = 64

const usages = new Map([
  [2, 'authority'],
  [3, 'end-entity'],
] as const)
const selectors = ['certificate', 'public-key'] as const
const matchings = ['whole', 'sha256', 'sha512'] as const
const hexLength = { sha256: 64, sha512: 128 } as const

/**
 * The records that an SMTP client can use: usages 0 and 1 and unknown parameters are none (RFC 7672 §3.1.3, RFC 7671 §4). Where one
 * usage and selector has digests of both lengths, the longer alone counts (RFC 7671 §9).
 */
export function usableRecords(records: readonly TlsaRecord[]): readonly DaneRecord[] {
  const readable = records.slice(0, maxRecords).flatMap((one) => usable(one) ?? [])
  const group = (one: DaneRecord) => `${one.usage} ${one.selector}`
  const strong = new Set(readable.filter((one) => one.matching === 'sha512').map(group))
  return readable.filter((one) => one.matching !== 'sha256' || !strong.has(group(one)))
}

function usable({ usage, selector, matching, data }: TlsaRecord): DaneRecord | null {
  const named = usages.get(usage as 2 | 3)
  const [what, how] = [selectors[selector], matchings[matching]]
  if (named === undefined || what === undefined || how === undefined) return null
  if (how !== 'whole' && data.length !== hexLength[how]) return null
  return { usage: named, selector: what, matching: how, data }
}
