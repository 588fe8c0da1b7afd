import { afterEach, describe, expect, it } from 'vitest'
import { type Authority, createAuthority } from '../../../../lab/world/certificates.ts'
import {
  type Script,
  type ScriptedReceiver,
  startScriptedReceiver,
  usualExtensions,
} from '../../../../lab/peers/scripted-receiver.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Domain, parseDomain } from '../../../standards/names/domain.ts'
import type { Dns } from '../../../platform/dns.ts'
import { egressPools } from '../egress/pools.ts'
import { WarmUpBook } from '../egress/warm-up.ts'
import { newMetrics } from '../metrics.ts'
import { plainProfiles } from '../shaping/plain-profiles.ts'
import { Shaping } from '../shaping/shaping.ts'
import { FamilyMemory } from '../routing/families.ts'
import type { Destination } from '../routing/route.ts'
import { type DeliverySettings, type TlsPolicy, defaultDelivery } from '../settings.ts'
import { attempt } from './attempt.ts'
import type { AttemptResult } from './attempt-result.ts'
import { DestinationHealth } from './health.ts'
import { Limiter } from './limiter.ts'
import { SessionPool } from './pool.ts'
import type { Outgoing, OutgoingRecipient } from './outgoing.ts'

const destDomain = domain('dest.example')
const quick = {
  connect: 500,
  greeting: 300,
  hello: 300,
  tls: 500,
  mail: 300,
  rcpt: 300,
  data: 300,
  block: 400,
  end: 400,
  quit: 100,
}

function domain(text: string): Domain {
  const parsed = parseDomain(text)
  if (isSyntaxFault(parsed)) throw new Error(parsed.reason)
  return parsed
}

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function receiver(script: Script = {}): Promise<ScriptedReceiver> {
  const started = await startScriptedReceiver(script)
  open.push(started)
  return started
}

/** A client room of its own, as `startDelivery` would set one up. */
function outbound(changes: Partial<DeliverySettings> = {}, dns: Partial<Dns> = {}) {
  const settings = { ...defaultDelivery, timeouts: quick, ...changes }
  const shaping = new Shaping({ profiles: plainProfiles(settings), now: () => Date.now() })
  const limitOf = (key: string) => shaping.limitOf(key)
  const pool = new SessionPool({ timeouts: quick, limitOf })
  open.push({ close: () => pool.abort() })
  const none = async () => []
  return {
    settings,
    pool,
    dns: { txt: none, mx: none, addresses: none, ptr: none, ns: none, ...dns },
    hostname: 'relay.example',
    limiter: new Limiter(limitOf, settings.connections),
    shaping,
    health: new DestinationHealth({ now: () => Date.now(), pause: 1000, longestPause: 1000, random: Math.random }),
    metrics: newMetrics(),
    random: () => 0.5,
    egress: { pools: egressPools(settings.pools, settings.sourceAddresses), warmth: new WarmUpBook() },
    families: new FamilyMemory(() => Date.now()),
    protections: null,
    now: () => Date.now(),
  }
}

function to(port: number, tls: TlsPolicy = 'off', host = '127.0.0.1'): Destination {
  return { key: `host:${host}:${port}/${tls}`, tls, kind: 'host', host, port }
}

function recipients(count: number): readonly OutgoingRecipient[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    mailbox: { localPart: `r${index}`, domain: destDomain },
    notify: null,
    orcpt: null,
  }))
}

function message(changes: Partial<Outgoing> = {}): Outgoing {
  const header = Buffer.from('From: a@acme.example\r\nSubject: hi\r\n\r\n')
  const body = [Buffer.from('one\r\n.two\r\n..three\r\n')]
  return {
    reversePath: { localPart: 'a', domain: domain('acme.example') },
    returnAddress: null,
    ret: null,
    envid: null,
    size: header.length + body.reduce((sum, one) => sum + one.length, 0),
    eightBit: false,
    needsUtf8: false,
    header,
    body: () => body,
    ...changes,
  }
}

type Outbound = ReturnType<typeof outbound>

async function send(
  client: Outbound,
  destination: Destination,
  count = 1,
  changes: Partial<Outgoing> = {},
  some = recipients(count),
) {
  const early: AttemptResult[] = []
  const results = await attempt(
    client,
    {
      id: 'm',
      pool: null,
      customer: 'acme',
      source: 'acme-m365',
      fresh: true,
      destination,
      message: message(changes),
      recipients: some,
      stands: () => true,
    },
    (done) => early.push(...done),
  )
  return results.toSorted((a, b) => a.index - b.index)
}

const kinds = (results: readonly AttemptResult[]) => results.map((one) => one.kind)

describe('one transaction', () => {
  it('hands a message over octet for octet, with dots stuffed once', async () => {
    const server = await receiver()
    const [result] = await send(outbound(), to(server.port))
    expect(result).toMatchObject({
      kind: 'delivered',
      status: '2.0.0',
      reply: '250 2.0.0 taken',
      fromRemote: true,
      dsn: true,
    })
    expect(server.taken[0]?.message).toBe('From: a@acme.example\r\nSubject: hi\r\n\r\none\r\n.two\r\n..three\r\n')
    expect(server.taken[0]?.raw).toContain('\r\none\r\n..two\r\n...three\r\n')
    expect(server.taken[0]?.mail).toBe('FROM:<a@acme.example> SIZE=57')
  })

  it('pipelines where it may and waits for each reply where it may not', async () => {
    for (const extensions of [usualExtensions, ['8BITMIME']]) {
      const server = await receiver({ extensions })
      expect(kinds(await send(outbound(), to(server.port), 3))).toEqual(['delivered', 'delivered', 'delivered'])
      expect(server.taken[0]?.recipients).toEqual([
        'TO:<r0@dest.example>',
        'TO:<r1@dest.example>',
        'TO:<r2@dest.example>',
      ])
    }
  })

  it('greets with HELO where EHLO is not known', async () => {
    const server = await receiver({ answer: (step) => (step.verb === 'EHLO' ? '502 5.5.1 what?' : null) })
    expect(kinds(await send(outbound(), to(server.port), 1, { eightBit: true }))).toEqual(['delivered'])
    expect(server.commands.slice(0, 3)).toEqual([
      'EHLO relay.example',
      'HELO relay.example',
      'MAIL FROM:<a@acme.example>',
    ])
  })

  it('declares what it sends, and passes DSN wishes on where they are understood', async () => {
    const wishes = [
      {
        ...(recipients(1)[0] as OutgoingRecipient),
        notify: ['SUCCESS', 'FAILURE'] as const,
        orcpt: 'rfc822;x+2B@y.example',
      },
    ]
    const all = { eightBit: true, ret: 'HDRS', envid: 'QQ1' } as const
    const able = await receiver()
    await send(outbound(), to(able.port), 1, all, wishes)
    expect(able.taken[0]?.mail).toBe('FROM:<a@acme.example> SIZE=57 BODY=8BITMIME RET=HDRS ENVID=QQ1')
    expect(able.taken[0]?.recipients).toEqual([
      'TO:<r0@dest.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+2B@y.example',
    ])
    const plain = await receiver({ extensions: [] })
    const [result] = await send(outbound(), to(plain.port), 1, all, wishes)
    expect(result).toMatchObject({ kind: 'delivered', dsn: false })
    expect(plain.taken[0]).toMatchObject({ mail: 'FROM:<a@acme.example>', recipients: ['TO:<r0@dest.example>'] })
  })

  it('sends the null reverse-path', async () => {
    const server = await receiver()
    await send(outbound(), to(server.port), 1, { reversePath: null })
    expect(server.taken[0]?.mail).toMatch(/^FROM:<> /)
  })

  it('gives each recipient its own result', async () => {
    const answers: { [recipient: string]: string } = {
      r1: '550 5.1.1 no such user',
      r2: '451 4.2.1 try later',
      r3: '250 ok',
    }
    for (const extensions of [usualExtensions, []]) {
      const server = await receiver({
        extensions,
        answer: (step) => (step.verb === 'RCPT' ? (answers[/<(\w+)@/.exec(step.argument)?.[1] ?? ''] ?? null) : null),
      })
      const results = await send(outbound(), to(server.port), 4)
      expect(kinds(results)).toEqual(['delivered', 'failed', 'retry', 'delivered'])
      expect(results[1]).toMatchObject({ status: '5.1.1', reply: '550 5.1.1 no such user' })
      expect(server.taken[0]?.recipients).toHaveLength(2)
    }
  })

  it.each<[string, (verb: string) => string | null, string]>([
    ['MAIL with 5xx', (verb) => (verb === 'MAIL' ? '553 5.1.8 not you' : null), 'failed'],
    ['MAIL with 4xx', (verb) => (verb === 'MAIL' ? '451 4.7.1 greylisted' : null), 'retry'],
    ['every RCPT with 5xx', (verb) => (verb === 'RCPT' ? '550 5.1.1 no' : null), 'failed'],
    ['DATA with 5xx', (verb) => (verb === 'DATA' ? '554 5.7.1 no' : null), 'failed'],
    ['DATA with 4xx', (verb) => (verb === 'DATA' ? '451 4.3.0 later' : null), 'retry'],
    ['the message with 5xx', (verb) => (verb === 'MESSAGE' ? '554 5.7.1 spam' : null), 'failed'],
    ['the message with 4xx', (verb) => (verb === 'MESSAGE' ? '452 4.3.1 full' : null), 'retry'],
    ['the greeting with 5xx', (verb) => (verb === 'CONNECT' ? '554 5.7.1 go away' : null), 'retry'],
    ['DATA with 250', (verb) => (verb === 'DATA' ? '250 2.0.0 ok' : null), 'retry'],
  ])('takes a refusal of %s for what it is', async (_, refuse, kind) => {
    for (const extensions of [usualExtensions, []]) {
      const server = await receiver({ extensions, answer: (step) => refuse(step.verb) })
      expect(kinds(await send(outbound(), to(server.port), 2))).toEqual([kind, kind])
      expect(server.taken).toEqual([])
    }
  })

  it('ends the data that a confused server asks for though it took nobody', async () => {
    const server = await receiver({
      answer: ({ verb, count }) =>
        verb === 'RCPT' && count === 1 ? '550 5.1.1 no' : verb === 'DATA' && count === 1 ? '354 go on' : null,
    })
    const client = outbound()
    expect(kinds(await send(client, to(server.port)))).toEqual(['failed'])
    expect(kinds(await send(client, to(server.port)))).toEqual(['delivered'])
    expect(server.connections).toBe(1)
    expect(server.taken.map((one) => one.message.length)).toEqual([0, 57])
  })

  it('keeps within SIZE and asks for SMTPUTF8 only where it is needed', async () => {
    const small = await receiver({ extensions: ['SIZE 56', 'PIPELINING'] })
    expect((await send(outbound(), to(small.port)))[0]).toMatchObject({
      kind: 'failed',
      status: '5.3.4',
      fromRemote: false,
    })
    expect(small.commands.some((line) => line.startsWith('MAIL'))).toBe(false)
    const ascii = await receiver({ extensions: ['PIPELINING', '8BITMIME'] })
    expect((await send(outbound(), to(ascii.port), 1, { needsUtf8: true }))[0]).toMatchObject({
      kind: 'failed',
      status: '5.6.7',
    })
    const [plain] = recipients(1)
    const mixed = [
      plain as OutgoingRecipient,
      { index: 1, mailbox: { localPart: 'd\u00f6rte', domain: destDomain }, notify: null, orcpt: null },
    ]
    expect(kinds(await send(outbound(), to(ascii.port), 2, {}, mixed))).toEqual(['delivered', 'failed'])
    const able = await receiver()
    expect(kinds(await send(outbound(), to(able.port), 2, {}, mixed))).toEqual(['delivered', 'delivered'])
    expect(able.taken[0]?.mail).toBe('FROM:<a@acme.example> SIZE=57 SMTPUTF8')
    expect(Buffer.from(able.taken[0]?.recipients[1] ?? '', 'latin1').toString()).toBe('TO:<d\u00f6rte@dest.example>')
  })

  it('sends those that were too many right behind, in a transaction of their own', async () => {
    let inTransaction = 0
    const server = await receiver({
      answer: ({ verb }) => {
        if (verb === 'MAIL') inTransaction = 0
        return verb === 'RCPT' && ++inTransaction > 2 ? '452 4.5.3 too many recipients' : null
      },
    })
    expect(kinds(await send(outbound(), to(server.port), 5))).toEqual(Array(5).fill('delivered'))
    expect(server.taken.map((one) => one.recipients.length)).toEqual([2, 2, 1])
    expect(server.connections).toBe(1)
  })

  it('cuts large recipient lists into transactions', async () => {
    const server = await receiver()
    expect(kinds(await send(outbound({ recipientsPerTransaction: 4 }), to(server.port), 10))).toEqual(
      Array(10).fill('delivered'),
    )
    expect(server.taken.map((one) => one.recipients.length)).toEqual([4, 4, 2])
  })
})

describe('when the connection breaks', () => {
  it.each<[string, Script['answer'], RegExp]>([
    ['before the greeting', ({ verb }) => (verb === 'CONNECT' ? { do: 'drop' } : null), /closed/],
    ['at MAIL', ({ verb }) => (verb === 'MAIL' ? { do: 'drop' } : null), /closed|broke/],
    [
      'in the middle of the data',
      ({ verb }) => (verb === 'DATA' ? { do: 'cut' } : null),
      /while the message was being sent|may arrive twice/,
    ],
    [
      'after the final dot',
      ({ verb }) => (verb === 'MESSAGE' ? { do: 'drop' } : null),
      /after the whole message was sent: it may arrive twice/,
    ],
    [
      'in silence at the greeting',
      ({ verb }) => (verb === 'CONNECT' ? { do: 'hang' } : null),
      /did not answer in time/,
    ],
    [
      'in silence after the final dot',
      ({ verb }) => (verb === 'MESSAGE' ? { do: 'hang' } : null),
      /in time, after the whole message was sent/,
    ],
  ])('%s, the mail is tried again', async (_, answer, words) => {
    const server = await receiver(answer === undefined ? {} : { answer })
    const [result] = await send(outbound(), to(server.port))
    expect(result).toMatchObject({ kind: 'retry', fromRemote: false })
    expect(result?.reply).toMatch(words)
  })

  it('keeps the answers that it had when the server goes in the middle of the recipients', async () => {
    const server = await receiver({
      extensions: [],
      answer: ({ verb, argument }) =>
        verb !== 'RCPT'
          ? null
          : argument.includes('r0')
            ? '550 5.1.1 no'
            : argument.includes('r1')
              ? null
              : { do: 'drop' },
    })
    expect(kinds(await send(outbound(), to(server.port), 4))).toEqual(['failed', 'retry', 'retry', 'retry'])
  })

  it('takes 421 for the end of the session and nothing worse, and a server that was never met and lets nobody in for down', async () => {
    for (const [verb, connections] of [
      ['CONNECT', 1],
      ['EHLO', 1],
      ['MAIL', 2],
      // Once for each recipient: what is said to one may be about that one.
      ['RCPT', 3],
      ['DATA', 2],
      ['MESSAGE', 2],
    ] as const) {
      const server = await receiver({
        answer: (step) => (step.verb === verb ? { do: 'close', reply: '421 4.3.2 closing' } : null),
      })
      const client = outbound()
      expect(kinds(await send(client, to(server.port), 2)), verb).toEqual(['retry', 'retry'])
      await send(client, to(server.port))
      expect(server.connections, verb).toBe(connections)
    }
  })

  it('parts recipients from one over whom the server closes, and ends after a few', async () => {
    const picky = await receiver({
      answer: ({ verb, argument }) =>
        verb === 'RCPT' && argument.includes('r1@') ? { do: 'close', reply: '421 4.3.2 too busy' } : null,
    })
    const results = await send(outbound(), to(picky.port), 4)
    expect(results.toSorted((a, b) => a.index - b.index).map((one) => one.kind)).toEqual([
      'delivered',
      'retry',
      'delivered',
      'delivered',
    ])
    expect(picky.connections).toBe(2)

    const closed = await receiver({
      answer: ({ verb }) => (verb === 'RCPT' ? { do: 'close', reply: '421 4.3.2 too busy' } : null),
    })
    expect(kinds(await send(outbound(), to(closed.port), 10))).toEqual(Array(10).fill('retry'))
    expect(closed.connections).toBe(4)
  })

  it('hears why a server cut the data short', async () => {
    const body = Array.from({ length: 200 }, () => Buffer.alloc(50_000, 'x\r\n'.repeat(10)))
    const server = await receiver({
      answer: ({ verb }) =>
        verb === 'DATA' ? { do: 'close', reply: '354 go on\r\n552 5.3.4 too big after all' } : null,
    })
    const [result] = await send(outbound(), to(server.port), 1, { body: () => wholeLines(body) })
    expect(result).toMatchObject({ kind: 'failed', status: '5.3.4' })
  })

  it('refuses answers that are no SMTP, or far too long', async () => {
    for (const reply of ['HTTP/1.1 200 OK', `220 ${'x'.repeat(10_000)}`]) {
      const server = await receiver({ answer: ({ verb }) => (verb === 'CONNECT' ? reply : null) })
      expect((await send(outbound(), to(server.port)))[0]).toMatchObject({ kind: 'retry' })
    }
  })
})

function wholeLines(chunks: readonly Buffer[]): readonly Buffer[] {
  return chunks.map((chunk) => Buffer.from(chunk.toString('latin1').replace(/[^\n]*$/, ''), 'latin1'))
}

describe('a body from custody', () => {
  it('streams with back-pressure: a slow server makes us wait, not remember', async () => {
    const server = await receiver({ answer: ({ verb }) => (verb === 'DATA' ? { do: 'stall', ms: 250 } : null) })
    const chunk = Buffer.from(`${'y'.repeat(998)}\r\n`.repeat(64))
    let given = 0
    let givenWhileStalled = 0
    setTimeout(() => (givenWhileStalled = given), 200)
    async function* body() {
      for (let at = 0; at < 300; at++) {
        given += chunk.length
        yield chunk
      }
    }
    const client = outbound({ timeouts: { ...quick, block: 5000, end: 5000 } })
    expect(kinds(await send(client, to(server.port), 1, { body, size: 19_000_000 }))).toEqual(['failed'])
    const roomy = await receiver({
      extensions: ['PIPELINING'],
      answer: ({ verb }) => (verb === 'DATA' ? { do: 'stall', ms: 250 } : null),
    })
    expect(kinds(await send(client, to(roomy.port), 1, { body, size: 19_000_000 }))).toEqual(['delivered'])
    expect(roomy.taken[0]?.message.length).toBe(37 + 300 * chunk.length)
    expect(givenWhileStalled).toBeLessThan(8_000_000)
    expect(server.taken).toEqual([])
  })

  it.each([
    ['bare LF', 'a\nb\r\n'],
    ['bare CR', 'a\rb\r\n'],
    ['NUL', 'a\0b\r\n'],
    ['unfinished line', 'ab'],
  ])('never lets a %s out: the data is cut without its final dot', async (_, text) => {
    const server = await receiver()
    await expect(
      send(outbound(), to(server.port), 1, { body: () => [Buffer.from('fine\r\n'), Buffer.from(text)] }),
    ).rejects.toMatchObject({
      name: 'SourceTrouble',
      kind: 'line-endings',
    })
    await expect.poll(() => server.open).toBe(0)
    expect(server.taken).toEqual([])
  })

  it('cuts the data without its final dot when the body turns out to be damaged', async () => {
    async function* body() {
      yield Buffer.from('first half\r\n')
      throw new Error('checksum')
    }
    const server = await receiver()
    await expect(send(outbound(), to(server.port), 1, { body })).rejects.toMatchObject({ kind: 'unreadable' })
    await expect.poll(() => server.open).toBe(0)
    expect(server.taken).toEqual([])
  })

  it('tells what was delivered before its own trouble', async () => {
    let reads = 0
    const body = () => [Buffer.from(++reads === 1 ? 'fine\r\n' : 'bad\n')]
    const server = await receiver()
    const early: AttemptResult[] = []
    const job = {
      id: 'm',
      pool: null,
      customer: 'acme',
      source: 'acme-m365',
      fresh: true,
      destination: to(server.port),
      message: message({ body }),
      recipients: recipients(3),
      stands: () => true,
    }
    await expect(
      attempt(outbound({ recipientsPerTransaction: 2 }), job, (done) => early.push(...done)),
    ).rejects.toMatchObject({ kind: 'line-endings' })
    expect(early.map((one) => one.index)).toEqual([0, 1])
  })
})

describe('a judgement that falls while the message waits', () => {
  it('stops it before its next transaction, and tells what was delivered by then', async () => {
    let stands = true
    const server = await receiver({
      answer: ({ verb }) => {
        if (verb === 'MESSAGE') stands = false
        return null
      },
    })
    const early: AttemptResult[] = []
    const client = outbound({ recipientsPerTransaction: 2 })
    const job = {
      id: 'm',
      pool: null,
      customer: 'acme',
      source: 'acme-m365',
      fresh: true,
      destination: to(server.port),
      message: message(),
      recipients: recipients(5),
      stands: () => stands,
    }
    await expect(attempt(client, job, (done) => early.push(...done))).rejects.toMatchObject({ name: 'Superseded' })
    expect(early.map((one) => one.index)).toEqual([0, 1])
    expect(server.taken).toHaveLength(1)
    stands = true
    expect(kinds(await send(client, to(server.port)))).toEqual(['delivered'])
    expect(server.connections).toBe(1)
  })
})

describe('connections', () => {
  it('are reused, one mail after the other, until they have done their share', async () => {
    const server = await receiver()
    const client = outbound({ messagesPerConnection: 3 })
    for (let at = 0; at < 5; at++) await send(client, to(server.port))
    expect(server.taken.map((one) => one.connection)).toEqual([1, 1, 1, 2, 2])
    expect(server.commands.filter((line) => line === 'RSET')).toEqual([])
    expect(client.metrics).toMatchObject({ connectionsOpened: 2, connectionsReused: 3 })
  })

  it('are reused after a refusal too', async () => {
    const server = await receiver({
      answer: ({ verb, count }) => (verb === 'RCPT' && count === 1 ? '550 5.1.1 no' : null),
    })
    const client = outbound()
    expect(kinds(await send(client, to(server.port)))).toEqual(['failed'])
    expect(kinds(await send(client, to(server.port)))).toEqual(['delivered'])
    expect(server.connections).toBe(1)
  })

  it('are left when they rested too long', async () => {
    const server = await receiver()
    const client = outbound({ idleConnection: 50 })
    await send(client, to(server.port))
    await expect.poll(() => server.open).toBe(0)
    expect(server.commands.at(-1)).toBe('QUIT')
    expect(kinds(await send(client, to(server.port)))).toEqual(['delivered'])
    expect(server.connections).toBe(2)
  })

  it('that the server closed while they rested cost the mail nothing', async () => {
    const server = await receiver({
      answer: ({ verb, count }) => (verb === 'MAIL' && count === 2 ? { do: 'drop' } : null),
    })
    const client = outbound()
    await send(client, to(server.port))
    expect(kinds(await send(client, to(server.port)))).toEqual(['delivered'])
    expect(server.connections).toBe(2)
    expect(server.taken).toHaveLength(2)
  })

  it('are bounded for one destination, and for all', async () => {
    let most = 0
    const server = await receiver({
      answer: ({ verb }) => {
        most = Math.max(most, server.open)
        return verb === 'MESSAGE' ? { do: 'wait', ms: 20, reply: null } : null
      },
    })
    const client = outbound({ connectionsPerDestination: 3 })
    const results = await Promise.all(Array.from({ length: 12 }, () => send(client, to(server.port))))
    expect(results.flatMap(kinds)).toEqual(Array(12).fill('delivered'))
    expect(most).toBe(3)
  })

  it('to a destination that is down are not tried for a while', async () => {
    const gone = await startScriptedReceiver()
    await gone.close()
    const client = outbound()
    for (let at = 0; at < 5; at++) {
      const [result] = await send(client, to(gone.port))
      expect(result).toMatchObject({ kind: 'retry', reply: expect.stringMatching(/^4\.4\.1 (?!4\.)/) })
    }
    expect(client.metrics.attempts).toBe(1)
  })

  it('go to the next server when one does not answer for anybody', async () => {
    const first = await receiver({
      host: '127.0.0.2',
      answer: ({ verb }) => (verb === 'CONNECT' ? '421 4.3.2 busy' : null),
    })
    const dns = {
      mx: async () => [
        { preference: 1, exchange: 'a.example' },
        { preference: 2, exchange: 'b.example' },
        { preference: 3, exchange: 'c.example' },
      ],
      addresses: async (name: string, family?: number) =>
        family === 6 ? [] : name === 'a.example' ? ['127.0.0.3'] : name === 'b.example' ? ['127.0.0.2'] : ['127.0.0.1'],
    }
    const third = await startOn(first.port)
    const client = outbound({ port: first.port }, dns)
    const [result] = await send(client, { key: 'mx:dest.example', tls: 'off', kind: 'mx', domain: destDomain })
    expect(result).toMatchObject({ kind: 'delivered', remote: { name: 'c.example', address: '127.0.0.1' } })
    expect([first.connections, third.taken.length]).toEqual([1, 1])
  })
})

/** A receiver on 127.0.0.1 at the port that another loopback address uses already. */
async function startOn(port: number): Promise<ScriptedReceiver> {
  const started = await startScriptedReceiver({ port })
  open.push(started)
  return started
}

describe('TLS', () => {
  let authority: Authority
  const identity = async () => {
    authority = await createAuthority('Delivery Test CA')
    return authority.issue(['mx.dest.example'])
  }
  const dns = {
    addresses: async (name: string, family?: number) =>
      family === 6 || name !== 'mx.dest.example' ? [] : ['127.0.0.1'],
  }

  it('is taken where it is offered, whoever the server is', async () => {
    const server = await receiver({ tls: await identity() })
    const client = outbound()
    const [result] = await send(client, to(server.port, 'opportunistic'))
    expect(result).toMatchObject({ kind: 'delivered', tls: expect.stringMatching(/^TLSv1\.[23] TLS_/) })
    expect(server.taken[0]?.encrypted).toBe(true)
    expect(server.commands.filter((line) => line.startsWith('EHLO'))).toHaveLength(2)
    await send(client, to(server.port, 'opportunistic'))
    expect(server.connections).toBe(1)
  })

  it('falls back to clear text once when opportunistic, and never when required', async () => {
    const server = await receiver({ tls: 'broken' })
    const client = outbound()
    expect((await send(client, to(server.port, 'opportunistic')))[0]).toMatchObject({ kind: 'delivered', tls: null })
    expect(client.metrics.tlsFallbacks).toBe(1)
    expect((await send(client, to(server.port, 'required')))[0]).toMatchObject({ kind: 'retry' })
    expect(server.taken).toHaveLength(1)
  })

  it('is not used where the route says off', async () => {
    const server = await receiver({ tls: await identity() })
    await send(outbound(), to(server.port, 'off'))
    expect(server.taken[0]?.encrypted).toBe(false)
  })

  it('required means a certificate that names the host and that we trust', async () => {
    const server = await receiver({ tls: await identity() })
    const trusting = { tlsRoots: [authority.pem] }
    expect((await send(outbound(trusting, dns), to(server.port, 'required', 'mx.dest.example')))[0]).toMatchObject({
      kind: 'delivered',
    })
    expect((await send(outbound(trusting, dns), to(server.port, 'required', '127.0.0.1')))[0]).toMatchObject({
      kind: 'retry',
    })
    expect((await send(outbound({}, dns), to(server.port, 'required', 'mx.dest.example')))[0]).toMatchObject({
      kind: 'retry',
    })
    expect(server.taken).toHaveLength(1)
  })

  it('required is not met by a server that offers none, or refuses it', async () => {
    const plain = await receiver()
    const refusing = await receiver({
      tls: await identity(),
      answer: ({ verb }) => (verb === 'STARTTLS' ? '454 4.7.0 not now' : null),
    })
    for (const server of [plain, refusing]) {
      expect((await send(outbound(), to(server.port, 'required')))[0]).toMatchObject({ kind: 'retry' })
      expect(server.taken).toEqual([])
    }
    expect(kinds(await send(outbound(), to(refusing.port, 'opportunistic')))).toEqual(['delivered'])
  })

  it('believes nothing that was said behind the go-ahead in clear', async () => {
    const injected = '220 2.0.0 go ahead\r\n250-receiver.example\r\n250 SIZE 1'
    const server = await receiver({
      tls: await identity(),
      answer: ({ verb }) => (verb === 'STARTTLS' ? injected : null),
    })
    expect((await send(outbound(), to(server.port, 'required')))[0]).toMatchObject({
      kind: 'retry',
      reply: expect.stringContaining('more than one reply'),
    })
    expect(server.taken).toEqual([])
  })
})
