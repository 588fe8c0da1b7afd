import Database from 'better-sqlite3'
import { join } from 'node:path'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Script, type ScriptedReceiver, startScriptedReceiver } from '../../../lab/peers/scripted-receiver.ts'
import { mailbox } from '../decision/testing/evidence.ts'
import {
  type House,
  type HouseOptions,
  type Workshop,
  acme,
  fast,
  openHouse,
  openWorkshop,
  quick,
} from '../../../lab/houses/delivery.ts'

/** For what a busy machine may take its time over. */
const patient = { ...quick, block: 60_000, end: 60_000 }

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

async function receiver(script: Script = {}): Promise<ScriptedReceiver> {
  const started = await startScriptedReceiver(script)
  open.push(started)
  return started
}

/** A house whose mail all goes to one receiver. */
async function house(to: { readonly port: number }, options: HouseOptions = {}): Promise<House> {
  const routes = [{ domain: '*', host: '127.0.0.1', port: to.port, tls: 'off' as const }]
  const opened = await openHouse(workshop, { ...options, settings: { routes, ...options.settings } })
  open.push(opened)
  return opened
}

async function signaturesIn(message: string) {
  const { results } = await dkimVerify(Buffer.from(message, 'latin1'), {
    resolver: (name: string) => {
      const key = workshop.keys.find((one) => name === `${one.selector}._domainkey.${one.domain}`)
      return key === undefined ? Promise.reject(new Error(name)) : Promise.resolve([[key.publicRecord]])
    },
  })
  return results
    .filter((one) => one.status.result !== 'none')
    .map((one) => `${one.selector} ${one.signingDomain} ${one.status.result}`)
}

const trustHeader = [
  'From: Alice <alice@acme.example>',
  'X-MS-Exchange-CrossTenant-id: 3dd8961f-e488-4e60-8e11-a82d994e183d',
  'X-OriginatorOrg: acme.example',
  'Subject: hello',
  '',
].join('\r\n')

describe('the way out', () => {
  it('cleans, traces, signs and sends, and the ledger says so', async () => {
    const server = await receiver()
    const home = await house(server)
    const id = await home.mail({ header: trustHeader })
    await home.empty()
    const [taken] = server.taken
    expect(taken?.mail).toMatch(/^FROM:<alice@acme.example> SIZE=/)
    const message = taken?.message ?? ''
    expect(message.match(/^[A-Za-z-]+(?=:)/gm)).toEqual([
      'DKIM-Signature',
      'DKIM-Signature',
      'Received',
      'Feedback-ID',
      'From',
      'Subject',
    ])
    expect(message).toContain(`by relay.example.net (Anechoic) with ESMTPS id ${id}`)
    expect(message).toContain('for <bob@dest.example>;')
    expect(message.endsWith('\r\n\r\nHello, Bob.\r\n.A line with a dot.\r\n')).toBe(true)
    expect(await signaturesIn(message)).toEqual(['rsa-1 acme.example pass', 'ed-1 acme.example pass'])
    const events = await home.events()
    expect(events.map((one) => one.kind)).toEqual(['signed', 'cleaned', 'delivered'])
    expect(events[1]?.detail).toEqual({ removed: ['x-ms-exchange-crosstenant-id', 'x-originatororg'] })
    expect(events[2]?.detail).toMatchObject({
      recipients: ['bob@dest.example'],
      reply: '250 2.0.0 taken',
      remote: { port: server.port },
    })
    expect(events.every((one) => one.id === id && one.customer === 'acme' && one.source === 'acme-m365')).toBe(true)
    expect(home.delivery.metrics).toMatchObject({ delivered: 1, inFlight: 0, bodyBytes: 0 })
  })

  it('declares the size that goes out', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail()
    await home.empty()
    expect(server.taken[0]?.mail).toBe(`FROM:<alice@acme.example> SIZE=${server.taken[0]?.message.length}`)
  })

  it('finds in custody what was never offered, and what a crash left', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail({ offered: false })
    home.delivery.kick()
    await home.empty()
    expect(server.taken).toHaveLength(1)
    expect(await signaturesIn(server.taken[0]?.message ?? '')).toEqual([
      'rsa-1 acme.example pass',
      'ed-1 acme.example pass',
    ])
  })

  it('carries a large body from custody, and never two copies of a message', async () => {
    const server = await receiver({ extensions: ['PIPELINING'] })
    const home = await house(server, { settings: { memoryForBodies: 10_000, timeouts: patient } })
    const body = [Buffer.from(`${'z'.repeat(98)}\r\n`.repeat(30_000))]
    await Promise.all(Array.from({ length: 3 }, () => home.mail({ body })))
    home.delivery.kick()
    home.delivery.kick()
    await home.empty()
    expect(server.taken).toHaveLength(3)
    for (const one of server.taken) expect((await signaturesIn(one.message))[0]).toBe('rsa-1 acme.example pass')
    expect(home.delivery.metrics.bodyBytes).toBe(0)
  })

  it('carries hundreds at once over few connections', async () => {
    const server = await receiver()
    const home = await house(server, { settings: { messages: 50, connectionsPerDestination: 5 } })
    const ids = await Promise.all(
      Array.from({ length: 300 }, (_, at) => home.mail({ to: [`u${at}@dest.example`], offered: at % 2 === 0 })),
    )
    home.delivery.kick()
    await home.empty()
    expect(new Set(server.taken.flatMap((one) => one.recipients)).size).toBe(300)
    expect(server.taken).toHaveLength(300)
    expect(new Set(ids).size).toBe(300)
    expect(server.connections).toBeLessThanOrEqual(5)
  })

  it('gives each destination its own transaction and each route its own recipients', async () => {
    const [one, other] = [await receiver(), await receiver()]
    const routes = [
      { domain: 'one.example', host: '127.0.0.1', port: one.port, tls: 'off' as const },
      { domain: '*', host: '127.0.0.1', port: other.port, tls: 'off' as const },
    ]
    const home = await house(one, { settings: { routes } })
    await home.mail({ to: ['a@one.example', 'b@two.example', 'c@three.example', 'd@one.example'] })
    await home.empty()
    expect(one.taken.map((taken) => taken.recipients)).toEqual([['TO:<a@one.example>', 'TO:<d@one.example>']])
    expect(other.taken.map((taken) => taken.recipients)).toEqual([['TO:<b@two.example>', 'TO:<c@three.example>']])
    expect(one.taken[0]?.message).toBe(other.taken[0]?.message)
    expect(home.delivery.metrics).toMatchObject({ signaturesMade: 2, signaturesReused: 0, delivered: 4 })
    expect(one.taken[0]?.message).not.toContain('for <')
  })

  it('retries on its clock, reusing the signature, and then delivers', async () => {
    const server = await receiver({
      answer: ({ verb, count }) => (verb === 'RCPT' && count <= 2 ? '451 4.7.1 greylisted' : null),
    })
    const home = await house(server)
    await home.mail()
    await home.empty()
    expect(server.taken).toHaveLength(1)
    const deferred = await home.events('deferred')
    expect(deferred.map((one) => one.detail['reply'])).toEqual(['451 4.7.1 greylisted', '451 4.7.1 greylisted'])
    expect(home.delivery.metrics).toMatchObject({ signaturesMade: 2, signaturesReused: 2 })
    expect(await home.events('signed')).toHaveLength(1)
  })

  it('waits no longer when the clock is set back', async () => {
    let open = false
    const server = await receiver({ answer: ({ verb }) => (verb === 'RCPT' && !open ? '451 4.7.1 not now' : null) })
    const home = await house(server, {
      settings: { retry: { first: 500, factor: 1, max: 500, giveUpAfter: 86_400_000 } },
    })
    await home.mail()
    await expect.poll(() => home.events('deferred')).toHaveLength(1)
    // No further: the signer lives in real time, and what is sealed for it is good for a minute.
    home.world.ahead = -40_000
    open = true
    await home.empty()
    expect(server.taken).toHaveLength(1)
  })

  it('settles the quick destinations without waiting for the slow ones', async () => {
    const slow = await receiver({
      answer: ({ verb }) => (verb === 'MESSAGE' ? { do: 'wait', ms: 300, reply: null } : null),
    })
    const quickOne = await receiver()
    const routes = [
      { domain: 'slow.example', host: '127.0.0.1', port: slow.port, tls: 'off' as const },
      { domain: '*', host: '127.0.0.1', port: quickOne.port, tls: 'off' as const },
    ]
    const home = await house(slow, { settings: { routes } })
    await home.mail({ to: ['a@slow.example', 'b@quick.example'] })
    await expect
      .poll(async () => (await home.queue())[0]?.recipients.map((one) => one.state), { timeout: 250, interval: 10 })
      .toEqual(['pending', 'delivered'])
    await home.empty()
  })
})

describe('judging again', () => {
  it('holds queued mail whose grant was withdrawn, with its reason, and sends none of it', async () => {
    const server = await receiver({ answer: ({ verb }) => (verb === 'MAIL' ? '451 4.3.0 later' : null) })
    const home = await house(server)
    const id = await home.mail()
    await expect.poll(async () => (await home.events('deferred')).length).toBeGreaterThan(0)
    home.world.customers = [{ ...acme, grants: [] }]
    home.world.policyVersion = 8
    await expect.poll(async () => (await home.queue())[0]?.state).toBe('held')
    const [row] = await home.queue()
    expect(row?.reason).toMatch(/^tenant-not-authorised: /)
    expect(row?.heldUntil).toBeGreaterThan(home.now() + 13 * 86_400_000)
    expect((await home.events('held'))[0]).toMatchObject({
      id,
      detail: { rule: 'tenant-not-authorised', by: 'delivery' },
    })
    expect(await home.events('dsn')).toEqual([])
    expect(server.taken).toEqual([])
  })

  it('catches mail that was judged and signed and only waits for a connection', async () => {
    const server = await receiver({
      answer: ({ verb, count }) => (verb === 'MESSAGE' && count === 2 ? { do: 'wait', ms: 400, reply: null } : null),
    })
    const home = await house(server, { settings: { connectionsPerDestination: 2, connections: 1 } })
    // Of a site that is known to be good more than one is in hand.
    await home.mail()
    await home.empty()
    for (let at = 0; at < 4; at++) await home.mail({ to: [`u${at}@dest.example`] })
    await expect.poll(() => home.delivery.metrics.signaturesMade).toBe(10)
    home.world.customers = [{ ...acme, grants: [] }]
    home.world.policyVersion = 8
    await expect.poll(async () => (await home.queue()).map((row) => row.state)).toEqual(Array(3).fill('held'))
    expect(server.taken).toHaveLength(2)
  })

  it('holds mail of a suspended tenant', async () => {
    const server = await receiver()
    const home = await house(server)
    const id = await home.mail({ offered: false })
    home.world.suspended = 'incident 7'
    home.delivery.kick()
    await expect.poll(async () => (await home.queue())[0]?.reason).toBe('tenant-suspended: incident 7')
    home.world.suspended = null
    expect(await home.delivery.release(id, 'admin@relay.example')).toBe(true)
    await home.empty()
    expect(server.taken).toHaveLength(1)
    expect((await home.events()).map((one) => one.kind)).toEqual(['held', 'released', 'signed', 'delivered'])
  })

  it('signs anew when the policy has changed in between', async () => {
    let open = false
    const server = await receiver({ answer: ({ verb }) => (verb === 'MAIL' && !open ? '451 4.3.0 later' : null) })
    const home = await house(server)
    await home.mail()
    await expect.poll(async () => (await home.events('deferred')).length).toBeGreaterThan(0)
    home.world.policyVersion = 6
    home.world.activeKeys = [1]
    await expect.poll(() => home.events('signed')).toHaveLength(2)
    open = true
    await home.empty()
    expect(await signaturesIn(server.taken[0]?.message ?? '')).toEqual(['ed-1 acme.example pass'])
    expect((await home.events('signed')).map((one) => one.detail['policyVersion'])).toEqual([7, 6])
  })
})

describe('a fault of ours', () => {
  it('waits for the signer from a tenth of a second on, and touches no retry clock', async () => {
    const server = await receiver()
    const home = await house(server, { settings: { retry: { ...fast, first: 3_600_000, max: 3_600_000 } } })
    home.world.signerAway = true
    const id = await home.mail()
    await expect.poll(() => home.delivery.metrics.ownFaults).toBeGreaterThan(1)
    expect((await home.queue())[0]?.recipients[0]).toMatchObject({ attempts: 0, state: 'pending' })
    expect(server.connections).toBe(0)
    home.world.signerAway = false
    await home.empty()
    expect(server.taken).toHaveLength(1)
    expect((await home.events()).map((one) => [one.kind, one.id])).toEqual([
      ['signed', id],
      ['delivered', id],
    ])
  })

  it('waits for a key and never sends a customer unsigned', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail({ offered: false })
    home.world.activeKeys = []
    home.delivery.kick()
    await expect.poll(() => home.delivery.metrics.ownFaults).toBeGreaterThan(1)
    expect(server.connections).toBe(0)
    home.world.activeKeys = [0]
    await home.empty()
    expect(await signaturesIn(server.taken[0]?.message ?? '')).toEqual(['rsa-1 acme.example pass'])
  })

  it('is not for ever: what could not be signed in all its time fails with a report', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail({ age: 2 * 86_400_000, offered: false })
    home.world.activeKeys = []
    home.delivery.kick()
    await home.empty()
    expect(server.taken).toHaveLength(1)
    expect(server.taken[0]?.mail).toMatch(/^FROM:<>/)
    expect(server.taken[0]?.message).toContain('Status: 5.4.7')
  })

  it('asks custody again until the outcome is on disk, and does not send twice meanwhile', async () => {
    let failures = 3
    const server = await receiver()
    const home = await house(server, {
      custody: (real) =>
        new Proxy(real, {
          get: (target, name: keyof typeof real) => {
            const method = target[name]
            if (name === 'settle' && failures > 0) {
              return async () => {
                failures--
                throw new Error('disk trouble for the test')
              }
            }
            return typeof method === 'function' ? method.bind(target) : method
          },
        }),
    })
    await home.mail()
    await home.empty()
    expect(failures).toBe(0)
    expect(server.taken).toHaveLength(1)
  })

  it('sends nothing that breaks the line discipline, and holds it for a person', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail({ body: 'smuggled\n.\nMAIL FROM:<x@y>\r\n' })
    await expect.poll(async () => (await home.queue())[0]?.state).toBe('held')
    expect((await home.queue())[0]?.reason).toMatch(/^system-fault: .*line discipline/)
    expect(server.taken).toEqual([])
  })

  it('holds what can be no header section that we accepted', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail({ header: 'From : a@acme.example\r\nFrom: b@acme.example\r\n' })
    await expect.poll(async () => (await home.queue())[0]?.reason).toMatch(/^system-fault: /)
    expect(server.connections).toBe(0)
  })
})

describe('reports', () => {
  const reportsIn = (server: ScriptedReceiver) => server.taken.filter((one) => one.mail.startsWith('FROM:<>'))

  it('tell of a failure: to the sender, from the null path, unsigned as long as the operator has no key', async () => {
    const server = await receiver({
      answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? '550 5.1.1 no such user' : null),
    })
    const home = await house(server)
    const id = await home.mail({ envelope: { envid: 'QQ7' } })
    await home.empty()
    const [report, more] = reportsIn(server)
    expect(more).toBeUndefined()
    expect(report?.recipients).toEqual(['TO:<alice@acme.example> NOTIFY=NEVER'])
    expect(report?.message).toContain('From: MAILER-DAEMON <postmaster@relay.example.net>')
    for (const line of [
      'Original-Envelope-Id: QQ7',
      'Action: failed',
      'Status: 5.1.1',
      'Remote-MTA: dns; 127.0.0.1',
      'Diagnostic-Code: smtp; 550 5.1.1 no such user',
      'Final-Recipient: rfc822; bob@dest.example',
    ]) {
      expect(report?.message).toContain(`\r\n${line}\r\n`)
    }
    expect(report?.message).toContain('Content-Type: text/rfc822-headers\r\n\r\nFrom: Alice')
    expect(await signaturesIn(report?.message ?? '')).toEqual([])
    const dsn = await home.events('dsn')
    expect(dsn[0]).toMatchObject({ id, detail: { about: id, action: ['failed'], recipients: ['bob@dest.example'] } })
    expect((await home.events()).at(-1)).toMatchObject({ kind: 'delivered', id: dsn[0]?.detail['report'] })
  })

  it('are one for all recipients that failed, whatever their destinations', async () => {
    const answer: Script['answer'] = ({ verb, argument }) =>
      verb === 'RCPT' && !argument.includes('alice') ? '550 5.1.1 no' : null
    const [one, other] = [await receiver({ answer }), await receiver({ answer })]
    const routes = [
      { domain: 'one.example', host: '127.0.0.1', port: one.port, tls: 'off' as const },
      { domain: '*', host: '127.0.0.1', port: other.port, tls: 'off' as const },
    ]
    const home = await house(one, { settings: { routes } })
    await home.mail({ to: ['a@one.example', 'b@two.example'] })
    await home.empty()
    expect(reportsIn(other)).toHaveLength(1)
    expect(reportsIn(other)[0]?.message.match(/^Final-Recipient/gm)).toHaveLength(2)
  })

  it('are never about a null reverse-path, nor for who wants none', async () => {
    const server = await receiver({ answer: ({ verb }) => (verb === 'RCPT' ? '550 5.1.1 no' : null) })
    const home = await house(server)
    await home.mail({ to: [{ mailbox: mailbox('bob@dest.example'), notify: 'NEVER', orcpt: null }] })
    await home.mail({ envelope: { reversePath: null } })
    await home.empty()
    expect(server.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(2)
    expect(await home.events('dsn')).toEqual([])
    expect(await home.events('failed')).toHaveLength(2)
  })

  it('return the message when RET asks for it', async () => {
    const server = await receiver({
      answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? '550 5.1.1 no' : null),
    })
    const home = await house(server)
    await home.mail({ envelope: { ret: 'FULL' } })
    await home.empty()
    expect(reportsIn(server)[0]?.message).toContain('Content-Type: message/rfc822\r\n\r\nFrom: Alice')
    expect(reportsIn(server)[0]?.message).toContain('\r\n\r\nHello, Bob.\r\n.A line with a dot.\r\n')
  })

  it('say "relayed" where success was to be reported and the server reports nothing', async () => {
    const to = [{ mailbox: mailbox('bob@dest.example'), notify: ['SUCCESS'] as const, orcpt: null }]
    const silent = await receiver({ extensions: [] })
    const home = await house(silent)
    await home.mail({ to })
    await home.empty()
    expect(reportsIn(silent)[0]?.message).toContain('Action: relayed')
    const reporting = await receiver()
    const other = await house(reporting)
    await other.mail({ to })
    await other.empty()
    expect(reporting.taken.map((one) => one.recipients)).toEqual([['TO:<bob@dest.example> NOTIFY=SUCCESS']])
  })

  it('tell once of a delay, after its time, and of the end', async () => {
    const server = await receiver({
      answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? '451 4.2.2 full' : null),
    })
    const home = await house(server)
    await home.mail({ age: fast.giveUpAfter - 2500 })
    await expect.poll(() => reportsIn(server)).toHaveLength(1)
    expect(reportsIn(server)[0]?.message).toMatch(/Action: delayed\r\nStatus: 4\.2\.2\r\n[^]*Will-Retry-Until: /)
    await home.empty()
    expect((await home.events('deferred')).length).toBeGreaterThan(2)
    expect(reportsIn(server)).toHaveLength(2)
    expect(reportsIn(server)[1]?.message).toMatch(/Action: failed\r\nStatus: 5\.4\.7\r\n[^]*given up after 24 hours/)
  })

  it('that cannot be made leave the failure open, and not the deliveries', async () => {
    const server = await receiver({
      answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? '550 5.1.1 no' : null),
    })
    const home = await house(server)
    home.world.reportsFail = true
    await home.mail({ to: ['bob@dest.example', 'carol@dest.example'] })
    await expect
      .poll(async () => (await home.queue())[0]?.recipients.map((one) => one.state))
      .toEqual(['pending', 'delivered'])
    expect(await home.events('failed')).toEqual([])
    home.world.reportsFail = false
    home.world.ahead = 60_000
    home.delivery.kick()
    await home.empty()
    expect(reportsIn(server)).toHaveLength(1)
    expect(server.taken).toHaveLength(2)
  })
})

describe('loops', () => {
  it('end with a report after a hundred hops, or after a few through here', async () => {
    const server = await receiver()
    const home = await house(server)
    const far = 'Received: from a by b; Tue, 24 Nov 2026 09:00:00 +0000\r\n'.repeat(100)
    const own =
      'Received: from a\r\n\tby relay.example.net (Anechoic) with ESMTP id x; Tue, 24 Nov 2026 09:00:00 +0000\r\n'.repeat(
        5,
      )
    await home.mail({ header: `${far}From: alice@acme.example\r\n` })
    await home.mail({ header: `${own}From: alice@acme.example\r\n` })
    await home.empty()
    expect((await home.events('failed')).map((one) => one.detail['reply'])).toEqual([
      '5.4.6 the message has passed 100 hosts',
      '5.4.6 the message has passed this relay 5 times',
    ])
    expect(server.taken.map((one) => one.mail.slice(0, 7))).toEqual(['FROM:<>', 'FROM:<>'])
  })
})

describe("people's hands", () => {
  it('cancel a held message with a report, and a queued one in the middle of its retries', async () => {
    const server = await receiver({
      answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? '451 4.2.2 full' : null),
    })
    const home = await house(server)
    const held = await home.mail({ hold: { reason: 'held: first contact', until: home.now() + 1_000_000 } })
    const queued = await home.mail()
    expect(await home.delivery.cancel(held, 'admin@relay.example')).toBe(true)
    await expect.poll(async () => (await home.events('deferred')).length).toBeGreaterThan(0)
    expect(await home.delivery.bounce(queued, 'admin@relay.example', '5.7.1', 'sent by mistake')).toBe(true)
    expect(await home.delivery.cancel(queued, 'admin@relay.example')).toBe(false)
    await home.empty()
    expect(await home.events('cancelled')).toMatchObject([
      {
        id: held,
        detail: { by: 'admin@relay.example', heldFor: 'held: first contact', recipients: ['bob@dest.example'] },
      },
    ])
    expect(await home.events('bounced')).toMatchObject([
      { id: queued, detail: { by: 'admin@relay.example', status: '5.7.1', reply: '5.7.1 sent by mistake' } },
    ])
    expect(server.taken.map((one) => /^Diagnostic-Code: (.*)/m.exec(one.message.replace(/\r\n /g, ' '))?.[1])).toEqual([
      'x-anechoic; 5.7.0 cancelled by an administrator of the relay',
      'x-anechoic; 5.7.1 sent by mistake',
    ])
  })

  it('hold queued mail, and let holds run out with a report', async () => {
    const server = await receiver({
      answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? '451 4.2.2 full' : null),
    })
    const home = await house(server)
    const id = await home.mail()
    expect(await home.delivery.hold(id, { reason: 'looks odd', until: home.now() + 5000 }, 'admin@relay.example')).toBe(
      true,
    )
    const attempts = server.commands.filter((line) => line.startsWith('RCPT')).length
    expect(await home.delivery.expireHolds()).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(server.commands.filter((line) => line.startsWith('RCPT'))).toHaveLength(attempts)
    home.world.ahead = 6000
    expect(await home.delivery.expireHolds()).toBe(1)
    await home.empty()
    expect(
      (await home.events()).map((one) => one.kind).filter((kind) => ['held', 'expired', 'dsn'].includes(kind)),
    ).toEqual(['held', 'expired', 'dsn'])
    expect(server.taken).toHaveLength(1)
  })

  it('end a damaged message, and its sender hears of it', async () => {
    const server = await receiver()
    const home = await house(server)
    const id = await home.mail({ hold: { reason: 'held: first contact', until: home.now() + 1_000_000 } })
    const shard = new Database(join(home.directory, 'custody/0/custody.db'))
    shard.prepare('UPDATE content SET header = ?').run(Buffer.from('From: b@acme.example\r\n'))
    shard.close()
    expect(await home.delivery.release(id, 'admin@relay.example')).toBe(false)
    expect((await home.queue())[0]?.state).toBe('damaged')
    expect(await home.delivery.bounce(id, 'admin@relay.example', '5.3.0', 'the stored message is damaged')).toBe(true)
    await home.empty()
    expect(server.taken.map((one) => one.recipients[0])).toEqual(['TO:<alice@acme.example> NOTIFY=NEVER'])
    expect(server.taken[0]?.message).toContain('the stored message is damaged')
    expect((await home.events()).map((one) => one.kind)).toEqual([
      'damaged',
      'bounced',
      'dsn',
      'reports-on',
      'delivered',
    ])
  })

  it('send one message another way, and back', async () => {
    const usual = await receiver({ answer: ({ verb }) => (verb === 'RCPT' ? '451 4.7.1 come back later' : null) })
    const other = await receiver()
    const home = await house(usual, { settings: { retry: { ...fast, first: 3_600_000, max: 3_600_000 } } })
    const [id, rest] = [await home.mail(), await home.mail()]
    await expect.poll(async () => (await home.events('deferred')).length).toBe(2)
    const route = { host: '127.0.0.1', port: other.port, tls: 'off' } as const
    expect(await home.delivery.reroute(id, route, 'ann')).toBe(true)
    await expect.poll(() => other.taken.length).toBe(1)
    expect((await home.queue()).map((one) => one.id)).toEqual([rest])
    expect(await home.delivery.reroute(rest, route, 'ann')).toBe(true)
    expect(await home.delivery.reroute(id, route, 'ann')).toBe(false)
    await home.empty()
    expect(await home.events('rerouted')).toMatchObject([{ id, detail: { route, by: 'ann' } }, { id: rest }])
  })

  it('make a message due now', async () => {
    let full = true
    const server = await receiver({
      answer: ({ verb }) => (verb === 'RCPT' && full ? '451 4.2.2 full' : null),
    })
    const home = await house(server, { settings: { retry: { ...fast, first: 3_600_000, max: 3_600_000 } } })
    const id = await home.mail()
    await expect.poll(async () => (await home.events('deferred')).length).toBe(1)
    full = false
    expect(await home.delivery.hurry(id, 'ann')).toBe(true)
    await home.empty()
    expect(await home.delivery.hurry(id, 'ann')).toBe(false)
    expect((await home.events()).map((one) => one.kind)).toEqual(['signed', 'deferred', 'hurried', 'delivered'])
  })

  it('let a hold end as it was put: released, or returned with its reason', async () => {
    const server = await receiver()
    const home = await house(server)
    const until = home.now() + 2_000
    const kept = await home.mail({ hold: { reason: 'for review', until, atEnd: 'release' } })
    const returned = await home.mail({ hold: { reason: 'the order was wrong', until, owner: 'ann', atEnd: 'bounce' } })
    expect(await home.delivery.expireHolds()).toBe(0)
    await expect.poll(() => home.now() > until, { timeout: 5000 }).toBe(true)
    expect(await home.delivery.expireHolds()).toBe(2)
    await home.empty()
    const ends = (await home.events()).filter(({ kind }) => kind === 'released' || kind === 'expired')
    expect(ends).toMatchObject([
      { id: kept, kind: 'released', detail: { by: 'the hold ran out', reason: 'for review' } },
      { id: returned, kind: 'expired', detail: { reply: '5.7.0 the order was wrong' } },
    ])
    expect(server.taken).toHaveLength(2)
    expect(server.taken.some((one) => one.message.includes('5.7.0 the order was wrong'))).toBe(true)
  })

  it('do not wait for ever for a message that is on its way', async () => {
    const server = await receiver({
      answer: ({ verb }) => (verb === 'MESSAGE' ? { do: 'wait', ms: 9_000, reply: null } : null),
    })
    const home = await house(server, { settings: { timeouts: patient } })
    const id = await home.mail()
    await expect.poll(() => server.commands.includes('DATA')).toBe(true)
    await expect(home.delivery.cancel(id, 'ann')).rejects.toThrow('on its way')
    await home.empty()
    expect((await home.events()).map((one) => one.kind)).toEqual(['signed', 'delivered'])
  }, 20_000)

  it('take a message out of the wait for the signer', async () => {
    const server = await receiver()
    const home = await house(server)
    home.world.signerAway = true
    const id = await home.mail()
    await expect.poll(() => home.delivery.metrics.ownFaults).toBeGreaterThan(3)
    const began = performance.now()
    expect(await home.delivery.cancel(id, 'admin@relay.example')).toBe(true)
    expect(performance.now() - began).toBeLessThan(500)
    await home.empty()
  })
})

describe('stopping', () => {
  it('finishes what is in the air, and nothing else', async () => {
    const server = await receiver({
      answer: ({ verb }) => (verb === 'MESSAGE' ? { do: 'wait', ms: 150, reply: null } : null),
    })
    const home = await house(server, { settings: { messages: 2 } })
    // A site that was never met has one message in hand at a time.
    await home.mail()
    await home.empty()
    for (let at = 0; at < 6; at++) await home.mail({ to: [`u${at}@dest.example`] })
    await expect.poll(() => server.commands.filter((line) => line === 'DATA').length).toBe(1 + 2)
    const began = performance.now()
    await home.delivery.drain(5000)
    expect(performance.now() - began).toBeLessThan(1000)
    expect(server.taken).toHaveLength(1 + 2)
    expect(await home.queue()).toHaveLength(4)
  })

  it('cuts what takes too long, which counts for no attempt', async () => {
    const server = await receiver({ answer: ({ verb }) => (verb === 'MESSAGE' ? { do: 'hang' } : null) })
    const home = await house(server, { settings: { timeouts: patient } })
    await home.mail()
    await expect.poll(() => server.commands.includes('DATA')).toBe(true)
    const began = performance.now()
    await home.delivery.drain(100)
    expect(performance.now() - began).toBeLessThan(500)
    expect((await home.queue())[0]?.recipients[0]).toMatchObject({ state: 'pending', attempts: 0 })
  })

  it('is over at once when nothing is in the air', async () => {
    const server = await receiver()
    const home = await house(server)
    await home.mail()
    await home.empty()
    const began = performance.now()
    await home.delivery.drain(10_000)
    expect(performance.now() - began).toBeLessThan(100)
    home.delivery.kick()
    await home.mail()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(server.taken).toHaveLength(1)
  })
})
