import type { Dns } from '../../platform/dns.ts'
import { parseKeyRecord } from '../../standards/dkim/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type DnsAt, type Said, askFirstHand } from './authorities.ts'
import type { KeyListing } from './key-listing.ts'

/** Whether the world can see a key's record, and why we think so, in words. */
export type KeyCheck = {
  /** All who know the zone at first hand show the key. */
  readonly seen: boolean
  /** All of them answer, and none shows it. */
  readonly gone: boolean
  readonly because: string
}

type Looked = Pick<KeyListing, 'domain' | 'record' | 'publicKey' | 'algorithm'>

/** What one place said. */
type Judged = { readonly kind: 'shows' | 'hides' | 'silent'; readonly because: string }

/**
 * Looks for the record of a key past every cache: all who know the zone at first hand must show it, by themselves or through an alias.
 * Never throws for what DNS says.
 */
export async function checkKey(dns: Dns, dnsAt: DnsAt, key: Looked): Promise<KeyCheck> {
  const asked = await askFirstHand(dns, dnsAt, key.record.name as Domain)
  if (asked.kind === 'trouble') return { seen: false, gone: false, because: asked.because }
  const answers = asked.said.map((said) => judge(said, key))
  const gone = answers.length > 0 && answers.every((answer) => answer.kind === 'hides')
  const bad = answers.find((answer) => answer.kind !== 'shows')
  if (bad !== undefined) return { seen: false, gone, because: bad.because }
  const because =
    asked.zone === null || answers.length === 0
      ? (answers[0]?.because ?? 'nobody was asked')
      : asked.through === null
        ? `all ${answers.length} name servers of ${asked.zone} show it`
        : `the name servers of ${asked.zone} lead to ${asked.through}, and all who know that show it`
  return { seen: answers.length > 0, gone: false, because }
}

function judge({ who, texts, because }: Said, key: Looked): Judged {
  if (texts === null) return { kind: 'silent', because }
  if (texts.length === 0) return hidden(`${who} shows no TXT record at ${key.record.name}`)
  // RFC 6376 §3.6.2.2: with several records at one name the result is undefined, so a verifier may read the wrong one.
  if (texts.length > 1)
    return hidden(`${who} shows ${texts.length} TXT records at ${key.record.name}: only one may be there`)
  const record = parseKeyRecord(texts[0] ?? '')
  if (isSyntaxFault(record))
    return hidden(`${who} shows a TXT record at ${key.record.name} that is no key record: ${record.reason}`)
  if (record.publicKey.length === 0)
    return hidden(`${who} shows a record at ${key.record.name} that revokes the key (p= is empty)`)
  const wanted = key.algorithm === 'ed25519' ? 'ed25519' : 'rsa'
  if (record.keyType !== wanted || !record.publicKey.equals(Buffer.from(key.publicKey, 'base64'))) {
    return hidden(`${who} shows another key at ${key.record.name}`)
  }
  return { kind: 'shows', because: `${who} shows it` }
}

function hidden(because: string): Judged {
  return { kind: 'hides', because }
}
