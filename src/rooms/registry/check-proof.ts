import type { Dns } from '../../platform/dns.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { askFirstHand } from './authorities.ts'

/** What a look for a proof came to, in words. Trouble is neither: it says nothing of whether the record is there. */
export type ProofLook = { readonly answer: 'seen' | 'absent' | 'trouble'; readonly because: string }

/** The name of the TXT record that proves a domain. */
export function proofRecordName(domain: Domain): string {
  return `_anechoic-challenge.${domain}`
}

/** The text of that record. */
export function proofRecordValue(token: string): string {
  return `anechoic-challenge=${token}`
}

/**
 * Looks for the record that proves a domain, past every cache. It is seen when it is in every answer that comes, and absent when every
 * authority answers and none has it; what lies between (one that is silent, two that differ) is trouble. Other texts beside it, such as
 * another customer's token, do not matter. Never throws for what DNS says.
 */
export async function lookForProof(
  dns: Dns,
  dnsAt: (address: string) => Dns,
  { domain, token }: { readonly domain: Domain; readonly token: string },
): Promise<ProofLook> {
  const name = proofRecordName(domain)
  const asked = await askFirstHand(dns, dnsAt, name as Domain)
  if (asked.kind === 'trouble') return { answer: 'trouble', because: asked.because }
  const wanted = proofRecordValue(token)
  const has = (texts: readonly string[]): boolean => texts.some((text) => text.trim() === wanted)
  const silent = asked.said.filter(({ texts }) => texts === null)
  const showing = asked.said.filter(({ texts }) => texts !== null && has(texts))
  const hiding = asked.said.filter(({ texts }) => texts !== null && !has(texts))
  const [mute, hider] = [silent[0], hiding[0]]
  if (hider !== undefined) {
    if (showing.length > 0)
      return { answer: 'trouble', because: `${hider.who} does not show it at ${name}, another does` }
    if (mute !== undefined) return { answer: 'trouble', because: mute.because }
    const texts = hider.texts ?? []
    const what = texts.length === 0 ? 'no TXT record' : `${texts.length} TXT records and not this one`
    return { answer: 'absent', because: `${hider.who} shows ${what} at ${name}` }
  }
  if (showing.length === 0) return { answer: 'trouble', because: mute?.because ?? `nobody answers for ${name}` }
  const who = asked.zone === null ? 'the resolver shows it' : `the name servers of ${asked.zone} show it`
  return { answer: 'seen', because: who }
}
