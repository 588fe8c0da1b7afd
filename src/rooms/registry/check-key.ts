import type { Dns } from '../../platform/dns.ts'
import { parseKeyRecord } from '../../standards/dkim/index.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { type Said, askFirstHand } from './authorities.ts'
import type { KeyListing } from './key-book.ts'

/** Whether the world can see a key's record, and why we think so, in words. */
export type KeyCheck = { readonly seen: boolean; readonly because: string }

type Looked = Pick<KeyListing, 'domain' | 'record' | 'publicKey' | 'algorithm'>

/** Looks for the record of a key past every cache: all who know the zone at first hand must show it. Never throws for what DNS says. */
export async function checkKey(dns: Dns, dnsAt: (address: string) => Dns, key: Looked): Promise<KeyCheck> {
  const asked = await askFirstHand(dns, dnsAt, key.record.name as Domain)
  if (asked.kind === 'trouble') return { seen: false, because: asked.because }
  const answers = asked.said.map((said) => judge(said, key))
  const bad = answers.find((answer) => !answer.seen)
  if (bad !== undefined) return bad
  if (asked.zone === null) return answers[0] ?? { seen: false, because: 'nobody was asked' }
  return { seen: true, because: `all ${answers.length} name servers of ${asked.zone} show it` }
}

function judge({ who, texts, because }: Said, key: Looked): KeyCheck {
  if (texts === null) return hidden(because)
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
  return { seen: true, because: `${who} shows it` }
}

function hidden(because: string): KeyCheck {
  return { seen: false, because }
}
