import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A key and its certificate in PEM. */
export type Identity = { readonly key: string; readonly cert: string }

export type Authority = {
  /** The root in PEM, as a relay's `ca` file holds it. */
  readonly pem: string
  issue(names: readonly string[], options?: IssueOptions): Promise<Identity>
}

export type IssueOptions = {
  /** Public CAs drop clientAuth, so serverAuth alone is what a provider's certificate carries. */
  readonly usages?: readonly ('clientAuth' | 'serverAuth')[]
  readonly notAfter?: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

/** A certification authority of the lab's own. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  let serial = 1
  return {
    pem: root.toString('pem'),
    issue: async (names, options = {}) => {
      const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const usages = (options.usages ?? ['serverAuth']).map((usage) => x509.ExtendedKeyUsage[usage])
      const cert = await x509.X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(4, '0'),
        subject: `CN=${names[0] ?? 'nobody'}`,
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        notBefore: new Date(Date.now() - dayMs),
        notAfter: options.notAfter ?? new Date(Date.now() + 10 * dayMs),
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages),
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
        ],
      })
      const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey))
      return { cert: cert.toString('pem'), key: pem('PRIVATE KEY', exported) }
    },
  }
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
