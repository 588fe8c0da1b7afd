/**
 * DNS as the rooms see it. An answer of `[]` is proven absence (NXDOMAIN or no data); trouble of any kind is a `DnsTrouble`
 * value, never an empty answer.
 */
export interface Dns {
  txt(name: string): Promise<readonly string[] | DnsTrouble>
  mx(name: string): Promise<readonly { readonly preference: number; readonly exchange: string }[] | DnsTrouble>
  /** IPv4 and IPv6 addresses in canonical text. */
  addresses(name: string): Promise<readonly string[] | DnsTrouble>
  ptr(address: string): Promise<readonly string[] | DnsTrouble>
  ns(name: string): Promise<readonly string[] | DnsTrouble>
}

export type DnsTrouble = { readonly trouble: 'timeout' | 'servfail' | 'refused' | 'malformed'; readonly name: string }

export function isDnsTrouble(answer: unknown): answer is DnsTrouble {
  return typeof answer === 'object' && answer !== null && 'trouble' in answer
}
