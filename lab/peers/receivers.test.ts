import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unpackedPeersAreThere } from '../../scripts/unpacked-peers.ts'
import { createAuthority } from '../world/certificates.ts'
import { freePort } from '../world/free-port.ts'
import { startExim } from './exim.ts'
import { startOpenSmtpd } from './opensmtpd.ts'
import type { Peer } from './peer.ts'
import { postfixIsThere, startPostfix } from './postfix.ts'
import { type ReceivingWorld, createReceivingWorld } from './receiving-world.ts'

const theyAreThere = postfixIsThere() && unpackedPeersAreThere()
// On CI the peers are fetched by the run itself; elsewhere their absence is said and passed over.
if (!theyAreThere) console.warn('Postfix, Exim and OpenSMTPD are not all here, or this is not root: they are not tried')
const receivers = theyAreThere || process.env['CI'] === 'true' ? describe : describe.skip

const domains = ['postfix.example', 'exim.example', 'opensmtpd.example'] as const
const peers = new Map<string, Peer>()
/** Messages that each takes one by one, over as few connections as it likes. */
const many = 7

type Outcome = { readonly kind: 'delivered' | 'failed'; readonly status?: string; readonly says: readonly string[] }

/** What becomes of a recipient, by how its local part begins (`peer.ts`), and the receiver's words. */
const outcomes: { readonly [local: string]: Outcome } = {
  good: { kind: 'delivered', says: ['250'] },
  fine: { kind: 'delivered', says: ['250'] },
  grey: { kind: 'delivered', says: ['250'] },
  gone: { kind: 'failed', status: '5.1.1', says: ['550 5.1.1', 'there is no mailbox of this name'] },
  full: { kind: 'failed', status: '5.2.2', says: ['552 5.2.2', 'the mailbox is full'] },
  policy: { kind: 'failed', status: '5.7.1', says: ['550 5.7.1', 'mail of this kind is not wanted'] },
  // Giving up is what makes these final (RFC 3463 §3.5, X.4.7).
  over: { kind: 'failed', status: '5.4.7', says: ['452 4.2.2', 'the mailbox is over its quota'] },
  busy: { kind: 'failed', status: '5.4.7', says: ['421 4.3.2', 'too busy'] },
}

let world: ReceivingWorld | undefined
const sent = {
  busy: new Map<string, string>(),
  each: new Map<string, string>(),
  all: '',
  many: new Map<string, string>(),
  large: new Map<string, string>(),
}

const theWorld = (): ReceivingWorld => {
  if (world === undefined) throw new Error('there is no world')
  return world
}

const named = (domain: string, which: string): readonly string[] =>
  Object.keys(outcomes)
    // A 421 is about the whole connection, and so about everybody who is named over it.
    .filter((local) => local !== 'busy')
    .map((local) => `${local}.${which}@${domain}`)

const asked = (
  domain: string,
): readonly { readonly id: string; readonly recipient: string; readonly outcome: Outcome }[] =>
  Object.entries(outcomes).flatMap(([local, outcome]) => {
    const each = {
      id: (local === 'busy' ? sent.busy : sent.each).get(domain) ?? '',
      recipient: `${local}.each@${domain}`,
      outcome,
    }
    return local === 'busy' ? [each] : [each, { id: sent.all, recipient: `${local}.all@${domain}`, outcome }]
  })

beforeAll(async () => {
  if (!theyAreThere) return
  const authority = await createAuthority('Receivers')
  const ports: Record<string, number> = {}
  for (const domain of domains) {
    const port = (ports[domain] = await freePort())
    const options = { port, domain, identity: await authority.issue([`mx.${domain}`]) }
    if (domain === 'exim.example') peers.set(domain, await startExim(options))
    else if (domain === 'opensmtpd.example') peers.set(domain, await startOpenSmtpd(options))
    else {
      const postfix = await startPostfix(options)
      peers.set(domain, {
        messagesFor: (recipient, count, withinMs) => postfix.mailbox(recipient, count, withinMs),
        said: () => postfix.said(),
        stop: () => Promise.resolve(postfix.stop()),
      })
    }
  }
  const built = (world = await createReceivingWorld({ ports, giveUpAfter: '8s' }))
  for (const domain of domains) {
    sent.each.set(domain, await built.send({ to: named(domain, 'each') }))
    sent.busy.set(domain, await built.send({ to: [`busy.each@${domain}`] }))
    for (let at = 0; at < many; at++) {
      sent.many.set(`many${at}@${domain}`, await built.send({ to: [`many${at}@${domain}`] }))
    }
    // Each says at EHLO that it takes 200,000 octets.
    const body = 'A line of a large message, of which there are many.\r\n'.repeat(5000)
    sent.large.set(domain, await built.send({ to: [`large@${domain}`], body }))
  }
  sent.all = await built.send({ to: domains.flatMap((domain) => named(domain, 'all')) })
  await built.empty(60_000)
}, 120_000)

afterAll(async () => {
  if (!theyAreThere) return
  await world?.close()
  for (const peer of peers.values()) await peer.stop()
})

receivers('a real receiver', () => {
  test.each(domains)('%s: each recipient has one end, and the mailbox has what the ledger says', async (domain) => {
    const peer = peers.get(domain)
    for (const { id, recipient, outcome } of asked(domain)) {
      const ends = (await theWorld().ends(id)).get(recipient) ?? []
      expect(
        ends.map((one) => one.kind),
        `${recipient}\n${peer?.said()}`,
      ).toEqual([outcome.kind])
      for (const words of outcome.says) expect(ends[0]?.words).toContain(words)
      const copies = outcome.kind === 'delivered' ? 1 : 0
      expect(await peer?.messagesFor(recipient, copies), recipient).toHaveLength(copies)
    }
  })

  test.each(domains)("%s: the sender is told once, in the receiver's words", (domain) => {
    for (const { recipient, outcome } of asked(domain)) {
      const reports = theWorld().reportsAbout(recipient)
      expect(reports, recipient).toHaveLength(outcome.kind === 'failed' ? 1 : 0)
      if (outcome.kind !== 'failed') continue
      const [, about = ''] = reports[0]?.split(`Final-Recipient: rfc822; ${recipient}\r\n`) ?? []
      const part = about.split('\r\n\r\n')[0]?.replace(/\r\n[ \t]+/g, ' ')
      expect(part).toContain('Action: failed')
      expect(part).toContain(`Status: ${outcome.status}`)
      for (const words of outcome.says) expect(part?.split('Diagnostic-Code: ')[1]).toContain(words)
    }
  })

  test.each(domains)('%s: takes many messages, though it ends connections after a few', async (domain) => {
    for (let at = 0; at < many; at++) {
      const recipient = `many${at}@${domain}`
      const ends = await theWorld().ends(sent.many.get(recipient) ?? '')
      expect(ends.get(recipient)?.map((one) => one.kind)).toEqual(['delivered'])
      expect(await peers.get(domain)?.messagesFor(recipient, 1)).toHaveLength(1)
    }
  })

  test.each(domains)('%s: a message over its SIZE is not sent, and its sender is told so', async (domain) => {
    const ends = await theWorld().ends(sent.large.get(domain) ?? '')
    expect(ends.get(`large@${domain}`)?.map((one) => one.kind)).toEqual(['failed'])
    expect(await peers.get(domain)?.messagesFor(`large@${domain}`, 0)).toHaveLength(0)
    const [report = ''] = theWorld().reportsAbout(`large@${domain}`)
    expect(report).toMatch(/^Status: 5\.(?:3\.4|2\.3)/m)
  })
})
