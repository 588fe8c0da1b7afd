/** `a=` of RFC 6376 §3.3.1 and RFC 8463 §3. rsa-sha1 is not among them (RFC 8301). */
export type SignatureAlgorithm = 'rsa-sha256' | 'ed25519-sha256'

export function isSignatureAlgorithm(text: string): text is SignatureAlgorithm {
  return text === 'rsa-sha256' || text === 'ed25519-sha256'
}
