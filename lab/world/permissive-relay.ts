import { generateKeyPairSync } from 'node:crypto'
import { dkimSign } from 'mailauth'
import { addresses } from './cast.ts'
import { SmtpClient } from './smtp-client.ts'
import { type Taken, startSmtpServer, unstuffed } from './smtp-server.ts'
import type { Zone } from './zone.ts'

/**
 * What Anechoic is not: a relay with the rule "allow Microsoft 365". Whoever comes from the address of Exchange Online is taken for the
 * brand, signed with the brand's key and sent on. It lives in the lab so that the fault can be
 * looked at; no switch of the product brings it about.
 */
export type PermissiveRelay = {
  readonly relay: { readonly host: string; readonly port: number }
  close(): Promise<void>
}

/** Starts it for one brand, publishes the brand's key in the zone, and hands what it signed to the receiver at `deliverTo`. */
export async function startPermissiveRelay(options: {
  readonly brand: string
  readonly zone: Zone
  readonly deliverTo: number
}): Promise<PermissiveRelay> {
  const selector = 'permissive'
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
  options.zone[`${selector}._domainkey.${options.brand}`] = { TXT: [record] }
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = { signingDomain: options.brand, selector, privateKey: pem }

  const server = await startSmtpServer({
    name: 'permissive.lab.example',
    atRcpt: () => null,
    atEndOfData: async (taken) => {
      if (taken.client !== addresses.exchangeOnline) return '550 5.7.1 not from Microsoft 365'
      const message = unstuffed(taken.raw)
      const { signatures } = await dkimSign(message, { ...key, signatureData: [key] })
      return deliver(taken, Buffer.concat([Buffer.from(signatures), message]), options.deliverTo)
    },
  })
  return { relay: { host: '127.0.0.1', port: server.port }, close: () => server.close() }
}

async function deliver(taken: Taken, message: Buffer, port: number): Promise<string> {
  const client = await SmtpClient.open({
    host: '127.0.0.1',
    port,
    from: '127.0.0.1',
    greeting: 'permissive.lab.example',
  })
  try {
    const { code, text } = await client.send({ mailFrom: taken.mailFrom, recipients: taken.recipients, message })
    return `${code} ${text}`
  } finally {
    await client.quit()
  }
}
