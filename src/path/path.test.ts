import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { keyNameOf, keyRecord, withDkim } from '../../lab/world/provider-signatures.ts'
import { SmtpClient, type SmtpReply } from '../../lab/world/smtp-client.ts'
import { openStore } from '../platform/sql.ts'
import {
  SuppressionBook,
  isPolicyProblems,
  migrateRegistry,
  openRegistry,
  policyContext,
  readPolicy,
} from '../rooms/registry/index.ts'
import type { MadeKey, Snapshot } from '../rooms/registry/index.ts'
import { CopyCounter, RollingCounters, StandingBook, countedSince } from '../rooms/watch/index.ts'
import { addressKey } from '../rooms/registry/suppression/address.ts'
import { ensureWrappingKey, generateKeys } from '../signer/index.ts'
import type { Domain } from '../standards/names/domain.ts'
import { type Network, parseNetwork } from '../standards/names/ip.ts'
import type { Custody, StoredMessage } from './custody/index.ts'
import { openShard } from './custody/sqlite/open.ts'
import { fastDirectory, quietLog } from './custody/testing/entries.ts'
import { DecisionIds } from './decision/index.ts'
import { openEvidence } from './evidence/index.ts'
import { dueIds } from './custody/testing/due.ts'
import { dnsFrom } from './evidence/testing/occasion.ts'
import { IngressBudget, type Listener, startListener } from './ingress/index.ts'
import { type Path, openPath } from './path.ts'

const operator = 'relay.example.net' as Domain
const providers = {
  m365: {
    networks: [],
    clientCertificate: { names: ['mail.protection.outlook.com'], ca: 'system' },
    fcrdns: 'off',
  },
  google: { networks: [parseNetwork('127.0.0.3/32') as Network] },
} as const
const limits = {
  maxMessageBytes: 100_000,
  maxHeaderBytes: 20_000,
  maxHeaderFields: 100,
  maxRecipients: 500,
  idleTimeoutSeconds: 60,
  maxConnections: 100,
  maxConnectionsPerClient: 100,
  bytesInFlight: 10_000_000,
}
const policyText = `customers:
  - id: acme
    name: Acme
    domains:
      - { name: acme.example, proof: asserted, approvedBy: admin@relay.example.net, reason: a test }
      - { name: keyless.example, proof: asserted, approvedBy: admin@relay.example.net, reason: a test }
    sources:
      - { id: plant, kind: network, networks: [127.0.0.10/32] }
      - { id: slow, kind: network, networks: [127.0.0.11/32] }
      - { id: space, kind: google, workspaceDomain: acme.example }
    grants:
      - { source: plant, domains: [acme.example, keyless.example], classes: [hosted], approvedBy: admin@acme.example, reason: a test }
      - { source: space, domains: [acme.example], classes: [hosted], approvedBy: admin@acme.example, reason: a test }
      - { source: slow, domains: [acme.example], classes: [hosted], approvedBy: admin@acme.example, reason: a test, limits: { messagesPerHour: 2 } }
`

/** The policy with its keys active, all but those of keyless.example; and with the registry to change it by. */
let directory: string
let store: Kysely<unknown>
let registry: ReturnType<typeof openRegistry>
let policy: Snapshot
beforeAll(async () => {
  directory = mkdtempSync(join(fastDirectory, 'path-'))
  store = openStore('sqlite::memory:')
  await migrateRegistry(store)
  registry = openRegistry(store, operator, { now: () => Date.now() })
  const read = await readPolicy(policyText, 'policy.yaml', policyContext(operator, providers))
  if (isPolicyProblems(read)) throw new Error(read.lines.join('\n'))
  await registry.apply(read, 'a test')
  const wrapping = `file:${join(directory, 'wrapping.key')}`
  ensureWrappingKey(wrapping)
  const made: readonly MadeKey[] = await generateKeys(wrapping, await registry.keysWanted())
  await registry.addKeys(made)
  for (const { selector, domain } of made)
    if (domain !== 'keyless.example') await registry.markKeyActive(selector, domain)
  policy = await registry.load()
})
afterAll(async () => {
  await store.destroy()
  rmSync(directory, { recursive: true })
})

let shard = 0
let custody: Custody
let counters: RollingCounters
let copies: CopyCounter
let standing: StandingBook
let listener: Listener
let suppressions: SuppressionBook
let path: Path
let carried: StoredMessage[]
/** Moments at which the clock stands still: how often it throws before it goes on. */
let broken: number
beforeEach(() => {
  shard += 1
  counters = new RollingCounters()
  copies = new CopyCounter()
  standing = new StandingBook()
  carried = []
  suppressions = new SuppressionBook()
  broken = 0
})
afterEach(async () => {
  await listener.close(0)
  await custody.close()
})

type Opening = { readonly reserveBytes?: number; readonly writer?: URL }

/** The whole way from the socket to the disk, on the shard of this test. */
async function open({ reserveBytes = 1, writer }: Opening = {}): Promise<void> {
  custody = await openShard({ dataDir: directory, shard, log: quietLog, reserveBytes }, writer)
  const clock = { now: () => now() }
  const dns = dnsFrom({ [`txt ${keyNameOf({ domain: 'acme.example' })}`]: [keyRecord()] })
  path = openPath({
    evidence: openEvidence({ providers, limits, dns, clock: { now: Date.now }, log: quietLog }),
    policy: () => policy,
    standing,
    counters,
    copies,
    custody,
    suppressions,
    carry: (message) => carried.push(message),
    ids: new DecisionIds(Date.now, shard, Math.random),
    clock,
    log: quietLog,
    operator,
    holdFor: 86_400_000,
  })
  const options = {
    name: 'upstream',
    host: '127.0.0.1',
    port: 0,
    hostname: 'relay.example.net',
    tls: null,
    requireTls: false,
    auth: false,
    proxyProtocolFrom: [],
    limits,
    budget: new IngressBudget(limits, { now: Date.now }),
  }
  listener = await startListener(options, path.gate, quietLog, { now: Date.now })
}

function now(): number {
  if (broken > 0) {
    broken -= 1
    throw new Error('the clock stands still')
  }
  return Date.now()
}

const plant = '127.0.0.10'

/** `atData` is done when the message itself is about to be sent. */
async function send(changes: { from?: string; author?: string; atData?: () => void } = {}): Promise<SmtpReply> {
  const { from = plant, author = 'robot@acme.example', atData } = changes
  const client = await SmtpClient.open({ host: '127.0.0.1', port: listener.port, from, greeting: 'plant.example' })
  const mail = await client.command('MAIL FROM:<robot@acme.example>')
  if (mail.code !== 250) return mail
  await client.command('RCPT TO:<reader@dest.example>')
  await client.command('DATA')
  atData?.()
  client.write(`From: ${author}\r\n\r\nbody\r\n.\r\n`)
  const answer = await client.reply()
  await client.quit()
  return answer
}

/** A Workspace hands a message that it signed to so many people. */
async function sendThroughGoogle(message: Buffer, from: number, count: number): Promise<SmtpReply> {
  const client = await SmtpClient.open({
    host: '127.0.0.1',
    port: listener.port,
    from: '127.0.0.3',
    greeting: 'g.example',
  })
  const recipients = Array.from({ length: count }, (_, at) => `r${from + at}@dest.example`)
  try {
    return await client.send({ mailFrom: 'robot@acme.example', recipients, message })
  } finally {
    await client.quit()
  }
}

/** The rule and the decision id of a judged reply. */
function judged({ code, text }: SmtpReply): { readonly code: number; readonly rule: string; readonly id: string } {
  const found = /\[([a-z-]+)\].*\(([0-9a-z]{16})\)$/.exec(text)
  return { code, rule: found?.[1] ?? text, id: found?.[2] ?? '' }
}

async function recordOf(id: string): Promise<unknown> {
  const read = async (): Promise<unknown> =>
    (await custody.outboxAfter(0, 100)).find((event) => event.kind === 'decision' && event.id === id)?.detail
  await expect.poll(read).toBeDefined()
  return read()
}

function countsOf(source: string): number {
  return counters.counts(`grant/acme/${source}`, Date.now()).messagesLastHour
}

/** A writer of custody that does what `look` says at each moment of a group. */
function writerThat(look: string): URL {
  const module = `
    import { parentPort, workerData } from 'node:worker_threads'
    import { runWriter } from ${JSON.stringify(new URL('./custody/sqlite/writer.ts', import.meta.url).href)}
    let groups = 0
    runWriter(parentPort, workerData, (moment, db) => {
      if (moment === 'begun') groups += 1
      ${look}
    })`
  return new URL(`data:text/javascript,${encodeURIComponent(module)}`)
}

describe('a message that is granted', () => {
  test('is durable with its record before 250, charged once, and handed on as it is stored', async () => {
    await open()
    const { code, rule, id } = judged(await send())
    expect([code, rule]).toEqual([250, 'accepted'])
    expect(countsOf('plant')).toBe(1)
    const [handed] = carried
    expect(carried).toHaveLength(1)
    const stored = await custody.read(handed?.id ?? ('' as StoredMessage['id']))
    expect(stored).toEqual({ ...handed, permit: JSON.parse(JSON.stringify(handed?.permit)) })
    expect(stored?.id).toBe(id)
    expect(await recordOf(id)).toMatchObject({ verdict: 'relay', rule: 'accepted', customer: 'acme', source: 'plant' })
  })

  test('on hold is taken, charged, and kept from being sent', async () => {
    const mark = { key: 'acme/plant', reason: 'somebody looks', by: 'a test', since: 0, until: null }
    standing.replace([{ ...mark, kind: 'hold' }])
    await open()
    const { code, rule, id } = judged(await send())
    expect([code, rule]).toEqual([250, 'held'])
    expect(countsOf('plant')).toBe(1)
    expect(await custody.list({}, null, 10)).toMatchObject([
      { id, state: 'held', reason: expect.stringContaining('somebody looks') },
    ])
    expect(await dueIds(custody, Date.now() + 1000, 10)).toEqual([])
  })

  test('waits with the client while its key is not seen in DNS', async () => {
    await open()
    const { code, rule, id } = judged(await send({ author: 'robot@keyless.example' }))
    expect([code, rule]).toEqual([451, 'key-not-ready'])
    expect(await recordOf(id)).toMatchObject({ verdict: 'defer' })
    expect(await custody.depth()).toMatchObject({ queued: 0, held: 0 })
    expect(countsOf('plant')).toBe(0)
  })

  test('over its limit is deferred and not charged, after a restart too', async () => {
    await open()
    const slow = { from: '127.0.0.11' }
    expect([judged(await send(slow)).rule, judged(await send(slow)).rule]).toEqual(['accepted', 'accepted'])
    expect(judged(await send(slow))).toMatchObject({ code: 451, rule: 'rate-exceeded' })
    expect(countsOf('slow')).toBe(2)
    expect(judged(await send()).rule).toBe('accepted')

    await listener.close(0)
    await custody.close()
    counters = new RollingCounters()
    await open()
    counters.load(await custody.charges(countedSince(Date.now())))
    expect(countsOf('slow')).toBe(2)
    expect(judged(await send(slow))).toMatchObject({ code: 451, rule: 'rate-exceeded' })
    expect(judged(await send()).rule).toBe('accepted')
  })
})

test('one message reaches a thousand people a day and no more, after a restart too; an envelope that comes again is a retry', async () => {
  await open()
  const text = Buffer.from(
    'From: robot@acme.example\r\nSubject: news\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n',
  )
  const message = await withDkim(text, { domain: 'acme.example', fields: ['From', 'Subject', 'Date'] })
  for (const from of [0, 500, 0]) expect(judged(await sendThroughGoogle(message, from, 500)).rule).toBe('accepted')
  expect(judged(await sendThroughGoogle(message, 1000, 1))).toMatchObject({ code: 451, rule: 'rate-exceeded' })

  await listener.close(0)
  await custody.close()
  copies = new CopyCounter()
  await open()
  copies.load(await custody.charges(countedSince(Date.now())))
  expect(judged(await sendThroughGoogle(message, 1000, 1)).rule).toBe('rate-exceeded')
  expect(judged(await sendThroughGoogle(message, 500, 500)).rule).toBe('accepted')
  const other = await withDkim(Buffer.from(text.toString().replace('body', 'more')), { domain: 'acme.example' })
  expect(judged(await sendThroughGoogle(other, 1000, 1)).rule).toBe('accepted')
})

describe('trouble of ours', () => {
  describe('a recipient on the suppression list', () => {
    const list = (address: string, customer = 'acme') =>
      suppressions.follow(async (after) =>
        after > 0 ? [] : [{ change: 1, ...addressKey(customer, address), until: null, listed: true }],
      )

    const talk = async (recipients: readonly string[], from = plant): Promise<readonly SmtpReply[]> => {
      const client = await SmtpClient.open({ host: '127.0.0.1', port: listener.port, from, greeting: 'plant.example' })
      const said = [await client.command('MAIL FROM:<robot@acme.example>')]
      for (const one of recipients) said.push(await client.command(`RCPT TO:<${one}>`))
      await client.quit()
      return said.slice(1)
    }

    test('is refused at RCPT where the connection tells the customer, and the others are not', async () => {
      await list('gone@dest.example')
      await open()
      const [first, second, third] = await talk(['reader@dest.example', 'gone@DEST.example', 'Gone@dest.example'])
      expect([first?.code, third?.code]).toEqual([250, 250])
      const refused = judged(second as SmtpReply)
      expect(second?.text).toMatch(/^5\.1\.1 \[suppressed\] gone@dest\.example is on the suppression list/)
      expect(refused).toMatchObject({ code: 550, rule: 'suppressed' })
      expect(await recordOf(refused.id)).toMatchObject({
        at: 'rcpt',
        verdict: 'refuse',
        customer: 'acme',
        source: 'plant',
      })
    })

    test('of another customer is nobody’s business', async () => {
      await list('reader@dest.example', 'other')
      await open()
      expect(judged(await send())).toMatchObject({ code: 250, rule: 'accepted' })
    })

    test('is asked about by nobody who proves nothing', async () => {
      await list('gone@dest.example')
      await open()
      const [answer] = await talk(['gone@dest.example'], '127.0.0.99')
      expect(answer?.text).not.toContain('suppressed')
    })

    describe('of mail that came through a provider', () => {
      const google = async (recipients: readonly string[]) => {
        const text = Buffer.from(
          'From: robot@acme.example\r\nSubject: news\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\nx\r\n',
        )
        const message = await withDkim(text, { domain: 'acme.example', fields: ['From', 'Subject', 'Date'] })
        const client = await SmtpClient.open({
          host: '127.0.0.1',
          port: listener.port,
          from: '127.0.0.3',
          greeting: 'g',
        })
        const answer = await client.send({ mailFrom: 'robot@acme.example', recipients, message })
        await client.quit()
        return judged(answer)
      }

      test('is refused with the message when all are listed', async () => {
        await list('gone@dest.example')
        await open()
        const { code, rule, id } = await google(['gone@dest.example'])
        expect([code, rule]).toEqual([550, 'suppressed'])
        expect(await recordOf(id)).toMatchObject({
          at: 'data',
          suppressed: { customer: 'acme', recipients: ['gone@dest.example'] },
        })
        expect(carried).toEqual([])
      })

      test('does not stand in the way of the others', async () => {
        await list('gone@dest.example')
        await open()
        const { code, rule, id } = await google(['gone@dest.example', 'reader@dest.example'])
        expect([code, rule]).toEqual([250, 'accepted'])
        expect(await recordOf(id)).toMatchObject({ suppressed: { recipients: ['gone@dest.example'] } })
        expect(carried[0]?.recipients).toHaveLength(2)
      })
    })
  })

  test('no room is said at MAIL, before anything is sent', async () => {
    // Below the reserve, and above the half of it that is for settling alone.
    const { bavail, bsize } = statfsSync(directory)
    await open({ reserveBytes: Math.floor(bavail * bsize * 1.5) })
    const { code, rule, id } = judged(await send())
    expect([code, rule]).toEqual([452, 'storage-full'])
    expect(await recordOf(id)).toMatchObject({ at: 'mail', rule: 'storage-full' })
  })

  test('a disk that fills up under a message: 452, nothing stored, nothing charged', async () => {
    await open({
      writer: writerThat(
        `if (moment === 'begun' && groups === 1) db.pragma('max_page_count = ' + db.pragma('page_count', { simple: true }))`,
      ),
    })
    const answers = []
    for (let count = 0; count < 40 && answers.at(-1)?.rule !== 'storage-full'; count++)
      answers.push(judged(await send()))
    const accepted = answers.filter(({ rule }) => rule === 'accepted').length
    expect(answers.at(-1)).toMatchObject({ code: 452, rule: 'storage-full' })
    expect(await custody.depth()).toMatchObject({ queued: accepted })
    expect(countsOf('plant')).toBe(accepted)
    expect(carried).toHaveLength(accepted)
  })

  test('a disk error: 451 with a decision id, nothing handed on, nothing charged', async () => {
    await open({
      writer: writerThat(
        `if (moment === 'written' && groups === 1) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })`,
      ),
    })
    const { code, rule, id } = judged(await send())
    expect([code, rule]).toEqual([451, 'system-fault'])
    expect(await recordOf(id)).toMatchObject({ verdict: 'defer', rule: 'system-fault', customer: 'acme' })
    expect(carried).toEqual([])
    expect(countsOf('plant')).toBe(0)
    expect(judged(await send()).rule).toBe('accepted')
    expect(countsOf('plant')).toBe(1)
  })

  test('a throw while it is judged is deferred with a decision id and a record', async () => {
    await open()
    const { code, rule, id } = judged(await send({ atData: () => (broken = 1) }))
    expect([code, rule]).toEqual([451, 'system-fault'])
    expect(await recordOf(id)).toMatchObject({ verdict: 'defer', rule: 'system-fault', at: 'data' })
    expect(await custody.depth()).toMatchObject({ queued: 0 })
    broken = 1
    const atMail = judged(await send())
    expect(atMail).toMatchObject({ code: 451, rule: 'system-fault' })
    expect(await recordOf(atMail.id)).toMatchObject({ at: 'mail' })
    expect(judged(await send()).rule).toBe('accepted')
  })

  test('where nothing at all can be judged ingress says 451 by itself', async () => {
    await open()
    const answer = await send({ atData: () => (broken = 1_000) })
    expect(answer).toMatchObject({ code: 451 })
    expect(answer.text).toMatch(/^4\.3\.0 /)
    expect(await custody.depth()).toMatchObject({ queued: 0, outbox: 0 })
  })
})

test('what was granted and is not any more is judged so again before it is sent', async () => {
  await open()
  expect(judged(await send()).rule).toBe('accepted')
  const [message] = carried
  if (message === undefined) throw new Error('nothing was handed on')
  expect(path.rejudge(message)).toMatchObject({ kind: 'renewed' })
  standing.replace([{ key: 'acme/plant', kind: 'suspended', reason: 'abuse', by: 'a test', since: 0, until: null }])
  expect(path.rejudge(message)).toMatchObject({ kind: 'withdrawn', rule: 'tenant-suspended' })
})
