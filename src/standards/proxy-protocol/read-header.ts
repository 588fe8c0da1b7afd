import type { SyntaxFault } from '../fault.ts'
import { readBinaryHeader, signature } from './binary-header.ts'
import type { ProxyHeader } from './proxy-header.ts'
import { readTextHeader } from './text-header.ts'

/**
 * Reads the header of the PROXY protocol, version 1 or 2, at the start of `input`; null while more octets are needed. A fault is found
 * before 5,000 octets have come. What a version 2 header says beyond addresses (TLS facts among it) is passed over: it is no proof.
 */
export function readProxyHeader(input: Buffer): ProxyHeader | SyntaxFault | null {
  const begun = Math.min(input.length, signature.length)
  if (!input.subarray(0, begun).equals(signature.subarray(0, begun))) return readTextHeader(input)
  return begun < signature.length ? null : readBinaryHeader(input)
}
