import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Domain } from '../../standards/names/domain.ts'
import type { IpAddress } from '../../standards/names/ip.ts'
import type { Mailbox } from '../../standards/names/mailbox.ts'
import { crockfordDigits } from '../../standards/names/time-ordered-id.ts'
import { returnLocalPart } from '../../standards/return-path/index.ts'
import { Secret } from '../../standards/secret.ts'
import type { LedgerEvent, StoredEvent } from '../ledger/index.ts'
import type { Authenticity, Enclosed, FeedbackRoom, LaterReport } from './index.ts'
import { openFeedbackDoor, openFeedbackRoom, openLetterbox } from './index.ts'

const key = new Secret(Buffer.alloc(32, 1))
const now = Date.UTC(2026, 10, 24, 12)
const hostname = 'relay.example.net' as Domain
const bounceDomain = 'bounce.acme.example' as Domain
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet }

const directories: string[] = []
afterEach(() => {
  for (const one of directories.splice(0)) rmSync(one, { recursive: true, force: true })
})
function dataDir(): string {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-feedback-'))
  directories.push(directory)
  return directory
}

function idAt(at: number, tail: string): string {
  let text = ''
  for (let rest = at, place = 0; place < 9; place++, rest = Math.floor(rest / 32)) {
    text = `${crockfordDigits[rest % 32]}${text}`
  }
  return `${text}${tail}`
}

const sentId = idAt(now, '0000001')
const recipients: readonly Mailbox[] = ['bob', 'carol'].map((localPart) => ({
  localPart,
  domain: 'dest.example' as Domain,
}))

function decision(changes: { readonly reversePath?: Mailbox | null; readonly source?: string } = {}): StoredEvent {
  const alice = { localPart: 'alice', domain: 'acme.example' as Domain }
  const { reversePath = alice, source = 'acme-m365' } = changes
  const envelope = { reversePath, recipients, smtputf8: false }
  const message = { messageId: '<1@acme.example>', subject: 'hello', author: { kind: 'mailbox', mailbox: alice } }
  const detail = { verdict: 'relay', evidence: { envelope, message } }
  return { kind: 'decision', at: now, id: sentId, customer: 'acme', source, detail, shard: 0, sequence: 1 }
}

function token(recipient: number | null, at = now): string {
  return `${returnLocalPart(key, { message: sentId, recipient }, bounceDomain, at)}@${bounceDomain}`
}

type Home = {
  readonly room: FeedbackRoom
  drop(message: string, about?: Partial<Enclosed>): Promise<string>
  /** Events that the ledger would hear, without those of the pieces themselves. */
  heard(): readonly LedgerEvent[]
  /** Reports that senders get. */
  passed(): Promise<readonly LaterReport[]>
}

function openHome(options: { readonly sent?: StoredEvent; readonly authenticity?: Authenticity | null } = {}): Home {
  const directory = dataDir()
  const letterbox = openLetterbox(directory, () => now)
  const { sent = decision(), authenticity = null } = options
  const room = openFeedbackRoom({
    dataDir: directory,
    hostname,
    operatorDomain: hostname,
    returnPathKey: key,
    find: (id) => Promise.resolve(id === sent.id ? [sent] : []),
    authenticate: () => Promise.resolve(authenticity),
    log: quiet,
  })
  let count = 0
  return {
    room,
    drop: async (message, about = {}) => {
      const id = idAt(now, `zz${String(++count).padStart(5, '0')}`)
      const known = { id, at: now, listener: 'reports', client: '192.0.2.7' as IpAddress, greeting: 'mx.dest.example' }
      const piece = { ...known, mailFrom: null, recipients: [token(0)], kind: 'mail', ...about } as Enclosed
      expect(await letterbox.drop(piece, [Buffer.from(message.replaceAll('\n', '\r\n'))])).toBe('taken')
      await room.takeUp()
      return id
    },
    heard: () => room.events.after(0, 1000).filter((event) => event.kind !== 'feedback'),
    passed: async () => {
      const reports: LaterReport[] = []
      await room.passOn(async (report) => void reports.push(report))
      return reports
    },
  }
}

const dsn = (who: string, more = '', action = 'failed', status = '5.1.1'): string =>
  `From: MAILER-DAEMON@dest.example
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

sorry
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.dest.example

Final-Recipient: rfc822; ${who}
Action: ${action}
Status: ${status}
Diagnostic-Code: smtp; 550 ${status} no such user
--b
Content-Type: text/rfc822-headers

${more}From: alice@acme.example
--b--
`

const complaint = (more: string, type = 'abuse', returned = ''): string =>
  `From: feedback@provider.example
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: ${type}
User-Agent: Provider/1.0
Version: 1
${more}
--b
Content-Type: message/rfc822

${returned}From: alice@acme.example

text
--b--
`

const trace = `Received: from out.example ([192.0.2.1]) by relay.example.net (Anechoic) with ESMTPS id ${sentId};\n Tue, 24 Nov 2026 12:00:00 +0000\n`
const proven: Authenticity = { spf: 'pass', spfDomain: 'dest.example', dkim: [], dmarc: 'pass' }
const nobody: Authenticity = { spf: 'none', spfDomain: null, dkim: [], dmarc: 'none' }

describe('a late bounce', () => {
  it('counts against the recipient that its token names, and is owed to the sender once', async () => {
    const home = openHome()
    await home.drop(dsn('bob@dest.example'))
    await home.drop(dsn('bob@dest.example'))
    expect(home.heard()).toMatchObject([
      {
        kind: 'bounced-later',
        id: sentId,
        customer: 'acme',
        source: 'acme-m365',
        detail: { recipients: ['bob@dest.example'], class: 'recipient', status: '5.1.1', by: 'token' },
      },
    ])
    const passed = await home.passed()
    expect(passed).toMatchObject([
      { to: { localPart: 'alice' }, recipient: { localPart: 'bob' }, action: 'failed', status: '5.1.1' },
    ])
    expect(await home.passed()).toEqual([])
    home.room.close()
  })

  it('is believed for its own recipient only', async () => {
    const home = openHome()
    await home.drop(dsn('carol@dest.example'))
    expect(home.heard().map((event) => event.detail['recipients'])).toEqual([['bob@dest.example']])
    const other = openHome()
    await other.drop(dsn('stranger@elsewhere.example'), { recipients: [token(null)] })
    expect([other.heard(), await other.passed()]).toEqual([[], []])
    home.room.close()
    other.room.close()
  })

  it('names the recipient itself where the token stands for several', async () => {
    const home = openHome()
    await home.drop(dsn('Carol@DEST.example'), { recipients: [token(null)] })
    expect(home.heard().map((event) => event.detail['recipients'])).toEqual([['carol@dest.example']])
    home.room.close()
  })

  it('is found by our Received field or the Message-ID too, but counts only when somebody stands for it, and goes to no sender', async () => {
    for (const [authenticity, kind] of [
      [proven, 'bounced-later'],
      [nobody, 'reported-later'],
      [null, 'reported-later'],
    ] as const) {
      const home = openHome({ authenticity })
      home.room.follow([decision()])
      await home.drop(dsn('bob@dest.example', trace), { recipients: ['fbl@reports.example'] })
      await home.drop(dsn('carol@dest.example', 'Message-ID: <1@acme.example>\n'), {
        recipients: ['fbl@reports.example'],
      })
      const found = home.heard().map((event) => [event.kind, event.detail['by']])
      expect(found).toEqual([
        [kind, 'trace'],
        [kind, 'message-id'],
      ])
      expect(await home.passed()).toEqual([])
      home.room.close()
    }
  })

  it('says of a delay that it is one', async () => {
    const home = openHome()
    await home.drop(dsn('bob@dest.example', '', 'delayed', '4.4.1'))
    expect(home.heard()).toMatchObject([{ kind: 'reported-later', detail: { what: 'delayed' } }])
    expect(await home.passed()).toMatchObject([{ action: 'delayed', status: '4.4.1' }])
    home.room.close()
  })

  it('is told to nobody where the mail had no sender, or was a report of ours', async () => {
    const silent = openHome({ sent: decision({ reversePath: null }) })
    await silent.drop(dsn('bob@dest.example'))
    expect([silent.heard().length, await silent.passed()]).toEqual([1, []])
    const own = openHome({ sent: decision({ source: 'self' }) })
    await own.drop(dsn('bob@dest.example'))
    expect([own.heard(), await own.passed()]).toEqual([[], []])
    silent.room.close()
    own.room.close()
  })

  it('stays owed while the relay is away, and is not stored twice when only the answer was lost', async () => {
    const home = openHome()
    await home.drop(dsn('bob@dest.example'))
    await expect(home.room.passOn(() => Promise.reject(new Error('the relay is away')))).rejects.toThrow('away')
    expect(await home.passed()).toHaveLength(1)
    const sent = { ...decision() }
    const events: StoredEvent[] = [sent]
    const directory = dataDir()
    const letterbox = openLetterbox(directory, () => now)
    const options = { dataDir: directory, hostname, operatorDomain: hostname, returnPathKey: key, log: quiet }
    const room = openFeedbackRoom({
      ...options,
      find: () => Promise.resolve(events),
      authenticate: () => Promise.resolve(null),
    })
    const id = idAt(now, 'zz00009')
    const about = { id, at: now, listener: 'r', client: '192.0.2.7' as IpAddress, greeting: '', mailFrom: null }
    await letterbox.drop({ ...about, recipients: [token(0)], kind: 'mail' }, [
      Buffer.from(dsn('bob@dest.example').replaceAll('\n', '\r\n')),
    ])
    await room.takeUp()
    await expect(room.passOn(() => Promise.reject(new Error('no answer')))).rejects.toThrow('no answer')
    events.push({ ...sent, kind: 'dsn', sequence: 2, detail: { recipients: ['bob@dest.example'], piece: id } })
    const again: LaterReport[] = []
    await room.passOn(async (report) => void again.push(report))
    expect(again).toEqual([])
    home.room.close()
    room.close()
  })
})

describe('a complaint', () => {
  it('finds its message and recipient by the token that it gives back, redacted or not', async () => {
    const home = openHome()
    await home.drop(complaint(`Original-Mail-From: <${token(1)}>`), { recipients: ['fbl@reports.example'] })
    expect(home.heard()).toMatchObject([
      {
        kind: 'complained',
        id: sentId,
        customer: 'acme',
        detail: { recipients: ['carol@dest.example'], feedbackType: 'abuse' },
      },
    ])
    expect(await home.passed()).toEqual([])
    home.room.close()
  })

  it('is none when it says not-spam, and counts once', async () => {
    const home = openHome({ authenticity: proven })
    const from = { recipients: ['fbl@reports.example'] }
    await home.drop(complaint('Original-Rcpt-To: bob@dest.example', 'not-spam', trace), from)
    await home.drop(complaint('Original-Rcpt-To: bob@dest.example', 'abuse', trace), from)
    await home.drop(complaint('Original-Rcpt-To: bob@dest.example', 'abuse', trace), from)
    expect(home.heard().map((event) => event.kind)).toEqual(['reported-later', 'complained'])
    home.room.close()
  })

  it('is laid to a stream by our Feedback-ID where nothing names the message', async () => {
    const home = openHome()
    const returned = 'Feedback-ID: acme:acme-crm:hosted:relayexamplenet\n'
    const id = await home.drop(complaint('', 'abuse', returned), { recipients: ['fbl@reports.example'] })
    expect(home.room.events.find(id)).toMatchObject([{ kind: 'feedback', customer: 'acme', source: 'acme-crm' }])
    expect(home.heard()).toEqual([])
    home.room.close()
  })
})

describe('the door', () => {
  const door = () =>
    openFeedbackDoor({
      addresses: ['fbl@Reports.example'],
      hostname,
      operatorDomain: 'example.net' as Domain,
      returnPathKey: key,
      letterbox: { drop: () => Promise.resolve('taken') },
      now: () => now,
    })
  const admits = (address: string): boolean => {
    const [localPart = '', domain = ''] = address.split('@')
    return door().admits({ localPart, domain: domain as Domain })
  }

  it.each([
    ['fbl@reports.example', true],
    ['FBL@reports.example', true],
    ['postmaster@relay.example.net', true],
    ['abuse@example.net', true],
    [token(0), true],
    [token(0).toUpperCase().replace(/@.*/, `@${bounceDomain}`), true],
    [token(0).replace(bounceDomain, 'acme.example'), false],
    [`0${token(0).slice(1)}`, false],
    ['postmaster@acme.example', false],
    ['bob@dest.example', false],
  ])('admits %s: %s', (address, expected) => {
    expect(admits(address)).toBe(expected)
  })

  it('puts off a network that writes too often, and nobody else', async () => {
    const one = door()
    const take = (client: string, at: number) => {
      const about = {
        id: idAt(now, `zy${String(at).padStart(5, '0')}`),
        at: now,
        listener: 'r',
        greeting: '',
        mailFrom: null,
      }
      return one.take({ ...about, client: client as IpAddress, recipients: [], kind: 'mail' }, [])
    }
    for (let at = 0; at < 500; at++) expect(await take(`192.0.2.${at % 200}`, at)).toBe('taken')
    expect(await take('192.0.2.9', 501)).toBe('too-often')
    expect(await take('198.51.100.9', 502)).toBe('taken')
  })
})

/** Every file that a file of the program reaches by imports of values, itself included. */
function reachOf(start: string): ReadonlySet<string> {
  const seen = new Set<string>()
  const open = [start]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, clause = '', to = ''] of text.matchAll(/^(?:import|export)\s([^'"]*?)from\s'(\.[^']+)'/gm)) {
      if (!clause.startsWith('type ')) open.push(resolve(dirname(file), to))
    }
    for (const [, to = ''] of text.matchAll(/import\('(\.[^']+)'\)/g)) open.push(resolve(dirname(file), to))
  }
  return seen
}

describe('what comes in at a feedback listener', () => {
  const src = fileURLToPath(new URL('../..', import.meta.url))
  const reaches = (file: string): readonly string[] => [...reachOf(join(src, file))].map((one) => relative(src, one))
  const forbidden = /^(?:path\/(?:custody|delivery)|signer)\//

  it('meets no code of custody, delivery or signer: not in the room, and not behind the gate', () => {
    expect(
      reaches('rooms/feedback/index.ts').filter((file) => /^(?:path|signer|processes|doors)\//.test(file)),
    ).toEqual([])
    expect(reaches('processes/relay/feedback-gate.ts').filter((file) => forbidden.test(file))).toEqual([])
    // The test itself sees them where they are.
    expect(reaches('processes/relay/compose.ts').some((file) => forbidden.test(file))).toBe(true)
  })

  it('lies where the owner of the data alone can read it', async () => {
    const directory = dataDir()
    const letterbox = openLetterbox(directory, () => now)
    const about = { id: sentId, at: now, listener: 'r', client: '192.0.2.7' as IpAddress, greeting: '', mailFrom: null }
    await letterbox.drop({ ...about, recipients: [], kind: 'mail' }, [Buffer.from('x')])
    const place = join(directory, 'feedback', 'letterbox')
    expect(readdirSync(place)).toEqual([`${sentId}.mail`])
    expect(statSync(place).mode & 0o077).toBe(0)
    expect(statSync(join(place, `${sentId}.mail`)).mode & 0o077).toBe(0)
  })
})
