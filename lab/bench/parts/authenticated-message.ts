import { generateKeyPairSync } from 'node:crypto'
import { dkimSign, sealMessage } from 'mailauth'
import { bodyOf } from './part.ts'

/** A message with all that a receiver can verify, and who handed it over. */
export type AuthenticatedMessage = {
  readonly message: Buffer
  readonly peer: { readonly ip: string; readonly helo: string; readonly mailFrom: string }
  /** What the DNS says of it, by name and type. */
  readonly zone: Readonly<Record<string, { readonly TXT: readonly string[] }>>
}

const peer = { ip: '192.0.2.10', helo: 'out.acme.example', mailFrom: 'alice@acme.example' }

/** 10 KB with two DKIM signatures (the author domain's and the sending service's) and one ARC set, all by RSA-2048, made by mailauth. */
export async function authenticatedMessage(): Promise<AuthenticatedMessage> {
  const names = {
    author: 's1._domainkey.acme.example',
    service: 's2._domainkey.esp.example',
    sealer: 'arc._domainkey.hop.example',
  }
  const author = rsa()
  const service = rsa()
  const sealer = rsa()
  const bare = Buffer.concat([Buffer.from(header), bodyOf(10_240)])
  const first = { signingDomain: 'acme.example', selector: 's1', privateKey: author.pem }
  const second = { signingDomain: 'esp.example', selector: 's2', privateKey: service.pem }
  const { signatures } = await dkimSign(bare, { ...first, signatureData: [first, second] })
  const signed = Buffer.concat([Buffer.from(signatures), bare])
  const set = await sealMessage(signed, {
    signingDomain: 'hop.example',
    selector: 'arc',
    privateKey: sealer.pem,
    authResults: 'hop.example; spf=pass smtp.mailfrom=acme.example; dkim=pass header.d=acme.example; dmarc=pass',
    cv: 'none',
  })
  return {
    message: Buffer.concat([set, signed]),
    peer,
    zone: {
      [names.author]: { TXT: [author.record] },
      [names.service]: { TXT: [service.record] },
      [names.sealer]: { TXT: [sealer.record] },
      'acme.example': { TXT: ['v=spf1 ip4:192.0.2.0/24 -all'] },
      '_dmarc.acme.example': { TXT: ['v=DMARC1; p=reject'] },
    },
  }
}

function rsa(): { readonly pem: string; readonly record: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    record: `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
  }
}

const header =
  'Received: from client.acme.example (client.acme.example [198.51.100.7])\r\n\tby out.acme.example with ESMTPSA id abc123;\r\n\tTue, 24 Nov 2026 09:00:00 +0000\r\nFrom: Alice <alice@acme.example>\r\nTo: bob@dest.example\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
