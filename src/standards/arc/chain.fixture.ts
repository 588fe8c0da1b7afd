import { pairs, recordOf } from '../dkim/sign.fixture.ts'
import { keysOf } from '../dkim/verify.fixture.ts'

/** Chains that another sealer makes, hop by hop, with RSA and Ed25519 in turn. */

export const zone: Readonly<Record<string, readonly string[]>> = {
  'rsa._domainkey.hop.example': [recordOf('rsa-sha256')],
  'ed._domainkey.hop.example': [recordOf('ed25519-sha256')],
}
export const keys = keysOf(zone)

export const message = Buffer.from(
  'From: Alice <alice@acme.example>\r\nTo: list@far.example\r\nSubject:  hello\r\n there\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\nHello  there\r\n\r\n',
)

export type Hop = {
  readonly algorithm?: 'rsa-sha256' | 'ed25519-sha256'
  readonly cv?: 'none' | 'pass' | 'fail'
}

type Sealer = (
  input: Buffer,
  seal: {
    readonly signingDomain: string
    readonly selector: string
    readonly algorithm: string
    readonly privateKey: string
    readonly authResults: string
    readonly cv: string
  },
) => Promise<Buffer>

/** Seals a message once for each hop with `seal`. `start` may have sets already; then say `cv`. */
export async function sealedBy(seal: Sealer, hops: readonly Hop[], start: Buffer = message): Promise<Buffer> {
  let text = start
  for (const [at, { algorithm, cv }] of hops.entries()) {
    const used = algorithm ?? (at % 2 === 0 ? 'rsa-sha256' : 'ed25519-sha256')
    const set = await seal(text, {
      signingDomain: 'hop.example',
      selector: used === 'rsa-sha256' ? 'rsa' : 'ed',
      algorithm: used,
      privateKey: pairs[used].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      authResults: `hop${at + 1}.example; spf=pass smtp.mailfrom=acme.example`,
      cv: cv ?? (at === 0 ? 'none' : 'pass'),
    })
    text = Buffer.concat([set, text])
  }
  return text
}
