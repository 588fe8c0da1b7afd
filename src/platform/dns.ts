import type { DnsAnswer, DnsTrouble, Inquiry, MxRecord, RecordType } from '../standards/dns/inquiry.ts'

export { type DnsAnswer, type DnsTrouble, type MxRecord, isDnsTrouble } from '../standards/dns/inquiry.ts'

/**
 * DNS as the rooms see it. An answer of `[]` is proven absence (NXDOMAIN or no data); trouble of any kind is a `DnsTrouble`
 * value, never an empty answer.
 */
export interface Dns {
  /** Each record as one text, its strings joined (RFC 7208 §3.3); octets above 127 are Latin-1 characters. */
  txt(name: string): Promise<readonly string[] | DnsTrouble>
  /** Exchange names in lower case without a trailing dot; the root of a null MX (RFC 7505) is `''`. */
  mx(name: string): Promise<readonly MxRecord[] | DnsTrouble>
  /**
   * IPv4 and IPv6 addresses in canonical text. With `family` only that kind is asked for, so that who can do with either
   * is not stopped by trouble in one; without it trouble in one is trouble, since half an answer proves no absence.
   */
  addresses(name: string, family?: 4 | 6): Promise<readonly string[] | DnsTrouble>
  ptr(address: string): Promise<readonly string[] | DnsTrouble>
  ns(name: string): Promise<readonly string[] | DnsTrouble>
}

/** DNS one question at a time, with what the short answers of `Dns` leave out: whether a name exists, and the AD bit. */
export interface Resolver {
  /** A name that cannot be in DNS is trouble, or absent: who must know looks with `isAskable` first. */
  ask<Type extends RecordType>(type: Type, name: string): Promise<DnsAnswer<Type> | DnsTrouble>
}

/** Runs a check that asks DNS to its end. */
export async function settle<Result>(inquiry: Inquiry<Result>, resolver: Resolver): Promise<Result> {
  let step = inquiry.next()
  while (step.done !== true) step = inquiry.next(await resolver.ask(step.value.type, step.value.name))
  return step.value
}
