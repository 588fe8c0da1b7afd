import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** Real certificates with every fault that a chain can have. */
export type Made = {
  readonly der: Buffer
  readonly pem: string
  readonly subject: string
  readonly keys: webcrypto.CryptoKeyPair
}

export type CertificateOptions = {
  readonly subject: string
  /** Absent: self-signed. */
  readonly issuer?: Made
  readonly dnsNames?: readonly string[]
  readonly ca?: boolean
  readonly pathLength?: number
  /** null: no key usage extension. */
  readonly keyUsage?: number | null
  readonly extendedUsages?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly extra?: readonly x509.Extension[]
  /** Signs with a key that is not the issuer's. */
  readonly forged?: boolean
  readonly keys?: webcrypto.CryptoKeyPair
  readonly hash?: 'SHA-1' | 'SHA-256'
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const
const dayMs = 86_400_000

export const serverAuth = '1.3.6.1.5.5.7.3.1'
export const clientAuth = '1.3.6.1.5.5.7.3.2'
export const codeSigning = '1.3.6.1.5.5.7.3.3'
export const usage = x509.KeyUsageFlags

export const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])

let serial = 0x1000

export async function certificate(options: CertificateOptions): Promise<Made> {
  const keys = options.keys ?? (await newKeys())
  const signer = options.forged === true ? await newKeys() : (options.issuer?.keys ?? keys)
  const ca = options.ca ?? options.dnsNames === undefined
  const keyUsage = options.keyUsage === undefined ? (ca ? usage.keyCertSign : usage.digitalSignature) : options.keyUsage
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: (serial++).toString(16),
    subject: options.subject,
    issuer: options.issuer?.subject ?? options.subject,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    notBefore: options.notBefore ?? new Date(Date.now() - dayMs),
    notAfter: options.notAfter ?? new Date(Date.now() + 30 * dayMs),
    signingAlgorithm: { ...curve, hash: options.hash ?? 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(ca, options.pathLength, true),
      ...(keyUsage === null ? [] : [new x509.KeyUsagesExtension(keyUsage, true)]),
      ...(options.extendedUsages === undefined
        ? []
        : [new x509.ExtendedKeyUsageExtension([...options.extendedUsages])]),
      ...(options.dnsNames === undefined
        ? []
        : [new x509.SubjectAlternativeNameExtension(options.dnsNames.map((value) => ({ type: 'dns', value })))]),
      ...(options.extra ?? []),
    ],
  })
  return { der: Buffer.from(made.rawData), pem: made.toString('pem'), subject: options.subject, keys }
}

/** An extension that says `critical` and that nobody knows. */
export const unknownCritical = new x509.Extension('1.2.3.4.5', true, new Uint8Array([0x05, 0x00]))

/** Name constraints with one dNSName subtree: permitted when `tag` is 0xa0, excluded when it is 0xa1. */
export function nameConstraints(tag: 0xa0 | 0xa1, name: string): x509.Extension {
  const base = Buffer.concat([Buffer.from([0x82, name.length]), Buffer.from(name)])
  const tree = Buffer.concat([Buffer.from([0x30, base.length]), base])
  const list = Buffer.concat([Buffer.from([tag, tree.length]), tree])
  return new x509.Extension('2.5.29.30', true, Buffer.concat([Buffer.from([0x30, list.length]), list]))
}
