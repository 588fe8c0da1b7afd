import type { IpAddress } from '../names/ip.ts'

/** What a record of each type says. Names are in lower case without a trailing dot; the root is `''`. */
export type RecordData = {
  /** The strings of one record joined (RFC 7208 §3.3); octets above 127 are Latin-1 characters. */
  readonly TXT: string
  readonly A: IpAddress
  readonly AAAA: IpAddress
  readonly MX: MxRecord
  readonly PTR: string
  readonly NS: string
  readonly TLSA: TlsaRecord
}

export type RecordType = keyof RecordData

export type MxRecord = { readonly preference: number; readonly exchange: string }

/** RFC 6698 §2.1: what a certificate, or an authority above it, must be. */
export type TlsaRecord = {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  /** Hexadecimal, in lower case. */
  readonly data: string
}

export type DnsQuestion<Type extends RecordType = RecordType> = { readonly name: string; readonly type: Type }

/** What DNS proved: the records of that type, perhaps none. */
export type DnsAnswer<Type extends RecordType = RecordType> = {
  readonly records: readonly RecordData[Type][]
  /** Whether the name itself exists: false is NXDOMAIN (RFC 8020), true without records is no data (RFC 2308 §2.2). */
  readonly exists: boolean
  /** The AD bit of the resolver that answered (RFC 4035 §3.2.3); worth what the way to that resolver is worth. */
  readonly authentic: boolean
  /** The name at the end of the aliases, where the name that was asked for is one. */
  readonly canonical?: string
}

/** DNS that did not answer: nothing is proven, neither a record nor its absence. */
export type DnsTrouble = { readonly trouble: 'timeout' | 'servfail' | 'refused' | 'malformed'; readonly name: string }

export function isDnsTrouble(answer: unknown): answer is DnsTrouble {
  return typeof answer === 'object' && answer !== null && 'trouble' in answer
}

/**
 * A check that asks DNS without waiting: it yields one question at a time and is resumed with the answer. Whoever runs it
 * brings the resolver and the time.
 */
export type Inquiry<Result> = Generator<DnsQuestion, Result, DnsAnswer | DnsTrouble>

/** Asks one question inside an inquiry. */
export function* ask<Type extends RecordType>(type: Type, name: string): Inquiry<DnsAnswer<Type> | DnsTrouble> {
  // Whoever resumes an inquiry answers what was asked.
  return (yield { type, name }) as DnsAnswer<Type> | DnsTrouble
}

/** Whether a name can be asked for at all: labels of 1 to 63 octets, at most 253 in all (RFC 1035 §2.3.4). */
export function isAskable(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false
  for (let from = 0; from <= name.length;) {
    const dot = name.indexOf('.', from)
    const end = dot === -1 ? name.length : dot
    if (end === from || end - from > 63) return false
    from = end + 1
  }
  return true
}
