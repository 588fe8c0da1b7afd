import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type House, type HouseOptions, type Workshop, fast, openHouse, openWorkshop } from '../houses/delivery.ts'
import { inWords } from '../../src/processes/control/events-in-words.ts'
import { readDsns } from './dsn-reader.ts'
import { type Script, type ScriptedReceiver, startScriptedReceiver } from './scripted-receiver.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

async function houseTo(script: Script, options: HouseOptions = {}): Promise<{ home: House; server: ScriptedReceiver }> {
  const server = await startScriptedReceiver(script)
  const routes = [{ domain: '*', host: '127.0.0.1', port: server.port, tls: 'off' as const }]
  const home = await openHouse(workshop, { ...options, settings: { routes, ...options.settings } })
  open.push(server, home)
  return { home, server }
}

const refusing = (reply: string): Script => ({
  answer: ({ verb, argument }) => (verb === 'RCPT' && argument.includes('bob') ? reply : null),
})

const header = 'From: Alice <alice@acme.example>\r\nSubject: the order\r\nMessage-ID: <one@acme.example>\r\n'

/** The report that arrived, as Python reads it. */
async function readIn(server: ScriptedReceiver) {
  await expect
    .poll(() => server.taken.filter((one) => one.message.includes('multipart/report')).length, { timeout: 8000 })
    .toBe(1)
  const [report] = server.taken.filter((one) => one.message.includes('multipart/report'))
  const [read] = readDsns([Buffer.from(report?.message ?? '', 'latin1')])
  if (read === undefined) throw new Error('nothing was read')
  expect(read).toMatchObject({ type: 'multipart/report', defects: [], about: 'the order' })
  expect(read.perMessage['reporting-mta']).toBe('dns; relay.example.net')
  return read
}

/** That the event of the ledger, the words of `why` and the report give the same status and the same reply. */
async function sameInAll(
  home: House,
  kind: 'failed' | 'bounced' | 'cancelled' | 'expired',
  status: string,
  reply: string,
) {
  const [event] = await home.events(kind)
  expect(event?.detail).toMatchObject({ status, reply })
  if (event !== undefined) expect(inWords(event).words).toContain(reply)
  const [dsn] = await home.events('dsn')
  expect(dsn?.detail).toMatchObject({ told: [{ recipient: 'bob@dest.example', status, reply }] })
}

describe("reports, as Python's email package reads them", () => {
  it('a refusal by the receiver', async () => {
    const reply = '550 5.1.1 there is no such mailbox'
    const { home, server } = await houseTo(refusing(reply))
    await home.mail({ header })
    const read = await readIn(server)
    expect(read).toMatchObject({ reportType: 'delivery-status' })
    expect(read.parts).toEqual(['text/plain', 'message/delivery-status', 'text/rfc822-headers'])
    expect(read.recipients).toEqual([
      {
        'final-recipient': 'rfc822; bob@dest.example',
        action: 'failed',
        status: '5.1.1',
        'remote-mta': 'dns; 127.0.0.1',
        'diagnostic-code': `smtp; ${reply}`,
        'last-attempt-date': expect.stringMatching(/^\w{3}, \d\d? \w{3} \d{4} /),
      },
    ])
    expect(read.text.replace(/\s+/g, ' ')).toContain(reply)
    await sameInAll(home, 'failed', '5.1.1', reply)
    const [failed] = await home.events('failed')
    expect(String(failed?.detail['dialogue'])).toMatch(/^-- connected to 127\.0\.0\.1 port \d+ from [\d.]+\nS: 220 /)
    expect(String(failed?.detail['dialogue'])).toContain(`S: ${reply}`)
  })

  it('given up after days, and late for hours', async () => {
    const { home, server } = await houseTo(refusing('451 4.7.1 come back later'), {
      settings: { retry: { ...fast, giveUpAfter: 1_000 } },
    })
    await home.mail({ header, age: 3_600_000 })
    expect((await readIn(server)).recipients).toMatchObject([{ action: 'failed', status: '5.4.7' }])
    const late = await houseTo(refusing('451 4.7.1 come back later'), { settings: { delayNotice: 0 } })
    await late.home.mail({ header })
    expect((await readIn(late.server)).recipients).toMatchObject([
      { action: 'delayed', status: '4.7.1', 'will-retry-until': expect.stringMatching(/^\w{3}, /) },
    ])
  })

  it('passed on to a server without reports, with the whole message behind a failure', async () => {
    const { home, server } = await houseTo({ extensions: ['PIPELINING'] })
    await home.mail({ header, to: [{ ...bob, notify: ['SUCCESS'] }] })
    expect((await readIn(server)).recipients).toMatchObject([{ action: 'relayed', status: '2.0.0' }])
    const whole = await houseTo(refusing('554 5.7.1 no'))
    await whole.home.mail({ header, envelope: { ret: 'FULL', envid: 'QQ+3D1' } })
    const read = await readIn(whole.server)
    expect(read.parts[2]).toBe('message/rfc822')
    expect(read.perMessage['original-envelope-id']).toBe('QQ=1')
  })

  it('with UTF-8 addresses, in the parts of RFC 6533', async () => {
    const { home, server } = await houseTo({ extensions: ['PIPELINING'] })
    await home.mail({
      header,
      envelope: { smtputf8: true },
      to: [{ ...bob, mailbox: { ...bob.mailbox, localPart: 'b\u00f6b' } }],
    })
    const read = await readIn(server)
    expect(read).toMatchObject({ reportType: 'global-delivery-status' })
    expect(read.recipients).toMatchObject([{ 'final-recipient': 'utf-8; b\u00f6b@dest.example', status: '5.6.7' }])
  })

  it('cancelled, returned by hand, and ended with a hold', async () => {
    const until = Date.now() + 1_000_000
    const held = { reason: 'held: first contact', until }
    const cancelled = await houseTo({})
    await cancelled.home.delivery.cancel(await cancelled.home.mail({ header, hold: held }), 'ann')
    expect((await readIn(cancelled.server)).recipients).toMatchObject([{ action: 'failed', status: '5.7.0' }])
    await sameInAll(cancelled.home, 'cancelled', '5.7.0', '5.7.0 cancelled by an administrator of the relay')

    const bounced = await houseTo({})
    const id = await bounced.home.mail({ header, hold: held })
    await bounced.home.delivery.bounce(id, 'ann', '5.2.1', 'the mailbox was closed')
    expect((await readIn(bounced.server)).recipients).toMatchObject([
      { action: 'failed', status: '5.2.1', 'diagnostic-code': 'x-anechoic; 5.2.1 the mailbox was closed' },
    ])
    await sameInAll(bounced.home, 'bounced', '5.2.1', '5.2.1 the mailbox was closed')

    const expired = await houseTo({})
    await expired.home.mail({ header, hold: { ...held, until: Date.now() - 1, atEnd: 'bounce' } })
    expect(await expired.home.delivery.expireHolds()).toBe(1)
    expect((await readIn(expired.server)).recipients).toMatchObject([{ action: 'failed', status: '5.7.0' }])
    await sameInAll(expired.home, 'expired', '5.7.0', '5.7.0 held: first contact')
  })
})

const bob = {
  mailbox: { localPart: 'bob', domain: 'dest.example' as never },
  notify: null,
  orcpt: null,
}
