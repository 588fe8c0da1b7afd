import type { TLSSocket } from 'node:tls'

/** More certificates than any chain has are a peer's mischief. */
const maxChain = 10

/** The certificates that the peer presented, its own first, in DER; empty when it presented none. Nothing about them is verified. */
export function presentedChain(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = []
  const seen = new Set<string>()
  let certificate = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < maxChain && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256)
    chain.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  return chain
}
