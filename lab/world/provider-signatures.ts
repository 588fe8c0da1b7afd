import { type KeyObject, generateKeyPairSync } from 'node:crypto'
import { dkimSign, sealMessage } from 'mailauth'
import type { Zone } from './zone.ts'

/** A DKIM signature that a provider makes. */
export type DkimOrder = {
  readonly domain: string
  readonly selector?: string
  /** The text of `h=`; by default what Exchange Online covers. */
  readonly fields?: readonly string[]
  /** `l=`: octets of the body that it covers. */
  readonly bodyLength?: number
  readonly canonicalization?: 'relaxed/relaxed' | 'simple/simple'
}

/** An ARC set that a provider seals. */
export type ArcOrder = {
  /** What stands behind `i=N;`. */
  readonly results: string
  readonly sealer?: string
  readonly cv?: 'none' | 'pass' | 'fail'
  readonly fields?: readonly string[]
}

export const exchangeFields = [
  'From',
  'Date',
  'Subject',
  'Message-ID',
  'Content-Type',
  'MIME-Version',
  'X-MS-Exchange-SenderADCheck',
]

const arcFields = exchangeFields.slice(0, -1)
const arcSelector = 'arcselector10001'

let made: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | null = null

/** One key for every name: the lab's providers have nobody to keep it from. */
function keys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return (made ??= generateKeyPairSync('rsa', { modulusLength: 2048 }))
}

function pem(): string {
  return keys().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The name of the key record behind a signature of this order. */
export function keyNameOf({ domain, selector = 'selector1' }: Pick<DkimOrder, 'domain' | 'selector'>): string {
  return `${selector}._domainkey.${domain}`
}

/** The name of the key record behind an ARC set. */
export function arcKeyName(sealer = 'microsoft.com'): string {
  return `${arcSelector}._domainkey.${sealer}`
}

/** The text of the key record of every provider in the lab. */
export function keyRecord(): string {
  return `v=DKIM1; k=rsa; p=${keys().publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
}

/** Publishes the provider's key under a name, unless something stands there. */
export function publishKey(zone: Zone, name: string): void {
  zone[name] ??= { TXT: [keyRecord()] }
}

/** The message with a DKIM signature on top, made by an implementation that is not ours. */
export async function withDkim(message: Buffer, order: DkimOrder): Promise<Buffer> {
  const { domain, selector = 'selector1', fields = exchangeFields, bodyLength, canonicalization } = order
  const key = { signingDomain: domain, selector, privateKey: pem(), algorithm: 'rsa-sha256' }
  const length = bodyLength === undefined ? {} : { maxBodyLength: bodyLength }
  const { signatures, errors } = await dkimSign(message, {
    ...key,
    canonicalization: canonicalization ?? 'relaxed/relaxed',
    signatureData: [{ ...key, headerList: [...fields], ...length }],
  })
  if (errors.length > 0) throw new Error(`the lab could not sign as ${domain}: ${JSON.stringify(errors)}`)
  return Buffer.concat([Buffer.from(signatures, 'latin1'), message])
}

/** The message with a further ARC set on top. */
export async function withArc(message: Buffer, order: ArcOrder): Promise<Buffer> {
  const fields = await sealMessage(message, {
    signingDomain: order.sealer ?? 'microsoft.com',
    selector: arcSelector,
    privateKey: pem(),
    algorithm: 'rsa-sha256',
    authResults: order.results,
    cv: order.cv ?? 'none',
    headerList: [...(order.fields ?? arcFields)],
  })
  return Buffer.concat([fields, message])
}

/** The results of the three shapes that Exchange Online writes (threats 2.4). */
export const sealedResults = {
  hosted: (domain: string) =>
    `mx.microsoft.com 1; spf=pass smtp.mailfrom=${domain}; dmarc=pass action=none header.from=${domain}; dkim=pass header.d=${domain}; arc=none`,
  consumer: () => 'mx.microsoft.com 1; spf=none; dmarc=none; dkim=none; arc=none',
  bySmtp: (domain: string, host: string) =>
    `mx.microsoft.com 1; spf=fail (sender ip is ${host}) smtp.rcpttodomain=receiver.example smtp.mailfrom=${domain}; dmarc=none action=none header.from=${domain}; dkim=none (message not signed); arc=none (0)`,
} as const
