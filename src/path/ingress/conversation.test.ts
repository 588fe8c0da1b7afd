import { afterEach, expect, test } from 'vitest'
import { Fault } from '../../standards/smtp/fault.ts'
import { reply } from '../../standards/smtp/reply.ts'
import { AcceptingGate } from './testing/gate.ts'
import { closeListeners, openListener } from './testing/listener.ts'

afterEach(closeListeners)

const message = 'Subject: x\r\n\r\nhello\r\n.\r\n'

test('a message from greeting to goodbye', async () => {
  const { gate, connect } = await openListener()
  const client = await connect()
  client.raw('EHLO client.example\r\n')
  expect(await client.reply()).toEqual({
    code: 250,
    enhanced: null,
    lines: ['relay.example', 'PIPELINING', 'SIZE 1000000', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN'],
  })
  expect(
    await client.sayAll(
      'MAIL FROM:<a@one.example> SIZE=20 BODY=8BITMIME RET=HDRS ENVID=e1',
      'RCPT TO:<b@two.example> NOTIFY=FAILURE ORCPT=rfc822;b@two.example',
      'RCPT TO:<Postmaster>',
      'DATA',
    ),
  ).toEqual(['250 2.1.0', '250 2.1.5', '250 2.1.5', '354'])
  client.raw(message)
  expect(await client.code()).toBe('250 2.0.0')
  expect(await client.say('QUIT')).toBe('221 2.0.0')
  await client.closed()
  expect(gate.texts).toEqual(['Subject: x\r\n\r\nhello\r\n'])
  expect(gate.accepted[0]).toMatchObject({
    session: {
      listener: 'test',
      client: { address: '127.0.0.1' },
      greeting: { claimed: 'client.example', where: 'greeting' },
      extended: true,
      tls: null,
      account: null,
    },
    transaction: {
      reversePath: { localPart: 'a', domain: 'one.example' },
      parameters: { size: 20, body: '8BITMIME', smtputf8: false, ret: 'HDRS', envid: 'e1', auth: null, xoorg: null },
      forwardPaths: [
        { mailbox: { localPart: 'b', domain: 'two.example' }, notify: ['FAILURE'], orcpt: 'rfc822;b@two.example' },
        { mailbox: { localPart: 'postmaster', domain: 'relay.example' }, notify: null, orcpt: null },
      ],
    },
    message: { size: 21, eightBit: false },
  })
})

test('pipelined commands are answered in one write, in order', async () => {
  const { gate, connect } = await openListener()
  const client = await connect()
  await client.say('EHLO a')
  const before = client.chunks
  client.raw('MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<bad>\r\nRCPT TO:<e@f.example>\r\nDATA\r\n')
  const codes = []
  for (let count = 0; count < 5; count++) codes.push(await client.code())
  expect(codes).toEqual(['250 2.1.0', '250 2.1.5', '501 5.1.3', '250 2.1.5', '354'])
  expect(client.chunks - before).toBe(1)
  client.raw(`${message}MAIL FROM:<>\r\nQUIT\r\n`)
  expect([await client.code(), await client.code(), await client.code()]).toEqual([
    '250 2.0.0',
    '250 2.1.0',
    '221 2.0.0',
  ])
  expect(gate.accepted.length).toBe(1)
})

test('commands cut anywhere are the same commands', async () => {
  const { gate, connect } = await openListener()
  const client = await connect()
  await client.drip('EHLO a\r\n')
  expect(await client.code()).toBe('250')
  await client.drip('MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n')
  expect([await client.code(), await client.code(), await client.code()]).toEqual(['250 2.1.0', '250 2.1.5', '354'])
  await client.drip(message)
  expect(await client.code()).toBe('250 2.0.0')
  expect(gate.texts.length).toBe(1)
})

test.each([
  ['MAIL before EHLO', ['MAIL FROM:<>'], '503 5.5.1'],
  ['RCPT before MAIL', ['EHLO a', 'RCPT TO:<a@b.example>'], '503 5.5.1'],
  ['DATA before MAIL', ['EHLO a', 'DATA'], '503 5.5.1'],
  ['DATA without a recipient', ['EHLO a', 'MAIL FROM:<>', 'DATA'], '554 5.5.1'],
  ['a second MAIL', ['EHLO a', 'MAIL FROM:<>', 'MAIL FROM:<>'], '503 5.5.1'],
  ['RCPT after RSET', ['EHLO a', 'MAIL FROM:<>', 'RSET', 'RCPT TO:<a@b.example>'], '503 5.5.1'],
  ['RCPT after a second EHLO', ['EHLO a', 'MAIL FROM:<>', 'EHLO a', 'RCPT TO:<a@b.example>'], '503 5.5.1'],
  ['parameters after HELO', ['HELO a', 'MAIL FROM:<> SIZE=1'], '555 5.5.4'],
  ['XOORG in clear', ['EHLO a', 'MAIL FROM:<> XOORG=a.example'], '555 5.5.4'],
  ['a sender at an address literal', ['EHLO a', 'MAIL FROM:<a@[192.0.2.1]>'], '550 5.1.8'],
  ['a recipient at an address literal', ['EHLO a', 'MAIL FROM:<>', 'RCPT TO:<a@[192.0.2.1]>'], '550 5.1.2'],
  [
    'an international recipient without SMTPUTF8',
    ['EHLO a', 'MAIL FROM:<>', 'RCPT TO:<\u00c3\u00bc@b.example>'],
    '553 5.6.7',
  ],
  [
    'an international recipient with SMTPUTF8',
    ['EHLO a', 'MAIL FROM:<> SMTPUTF8', 'RCPT TO:<\u00c3\u00bc@b.example>'],
    '250 2.1.5',
  ],
  ['STARTTLS that is not offered', ['EHLO a', 'STARTTLS'], '502 5.5.1'],
  ['AUTH that is not offered', ['EHLO a', 'AUTH PLAIN'], '503 5.5.1'],
  ['HELO', ['HELO a'], '250'],
  ['NOOP', ['NOOP x'], '250 2.0.0'],
  ['VRFY', ['VRFY x'], '252 2.5.0'],
  ['HELP', ['HELP'], '214 2.0.0'],
  ['RSET', ['RSET'], '250 2.0.0'],
])('%s', async (_, lines, expected) => {
  const { connect } = await openListener()
  const client = await connect()
  expect((await client.sayAll(...lines)).at(-1)).toBe(expected)
})

test.each(['BDAT 5 LAST', 'GET / HTTP/1.1', 'POST / HTTP/1.1'])('after %s nothing more is read', async (line) => {
  const { gate, connect } = await openListener()
  const client = await connect()
  await client.say('EHLO a')
  client.raw(`${line}\r\nMAIL FROM:<a@b.example>\r\n`)
  expect(await client.code()).toMatch(/^(502 5\.5\.1|421 4\.7\.0)$/)
  await client.closed()
  expect(client.pending).toEqual([])
  expect(gate.mails).toEqual([])
})

test.each(['EHLO a', 'HELO a', 'NOOP', 'VRFY x', 'HELP', 'AUTH PLAIN', 'STARTTLS'])(
  'octets behind %s are refused, since its reply may change what they mean',
  async (line) => {
    const { gate, connect } = await openListener()
    const client = await connect()
    client.raw(`${line}\r\nMAIL FROM:<a@b.example>\r\n`)
    expect(await client.code()).toBe('503 5.5.1')
    await client.closed()
    expect(gate.mails).toEqual([])
  },
)

test('a message that does not wait for 354 is refused, whole', async () => {
  const { gate, connect } = await openListener()
  const client = await connect()
  await client.say('EHLO a')
  client.raw(`MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n${message}`)
  expect([await client.code(), await client.code(), await client.code()]).toEqual([
    '250 2.1.0',
    '250 2.1.5',
    '503 5.5.1',
  ])
  await client.closed()
  expect(gate.accepted).toEqual([])
})

test.each([
  ['a bare LF', 'EHLO a\nMAIL FROM:<>\r\n'],
  ['a bare LF alone', 'NOOP\n'],
  ['a bare CR', 'EHLO a\rMAIL FROM:<>\r\n'],
  ['a bare CR without any LF', 'EHLO a\rMAIL'],
  ['CR CR LF', 'EHLO a\r\r\n'],
  ['a NUL', 'EHLO \u0000a\r\n'],
])('%s in a command is judged, and ends the session', async (_, octets) => {
  const { gate, connect } = await openListener()
  const whole = await connect()
  whole.raw(octets)
  expect(await whole.code()).toBe('554 5.6.0')
  await whole.closed()
  const dripped = await connect()
  await dripped.drip(octets)
  expect(await dripped.code()).toBe('554 5.6.0')
  await dripped.closed()
  expect(gate.faults).toEqual([
    { kind: 'line-endings', where: 'command' },
    { kind: 'line-endings', where: 'command' },
  ])
  expect(gate.mails).toEqual([])
})

test('a gate that refuses MAIL or RCPT is heard, and opens nothing', async () => {
  class Refusing extends AcceptingGate {
    override onMail(): Promise<ReturnType<typeof reply> | null> {
      this.#count++
      return Promise.resolve(this.#count === 1 ? reply(550, '5.7.1', '[source-unproven] no') : null)
    }
    override onRcpt(): Promise<ReturnType<typeof reply> | null> {
      return Promise.resolve(reply(550, '5.1.1', '[suppressed] no'))
    }
    #count = 0
  }
  const { connect } = await openListener({ gate: new Refusing() })
  const client = await connect()
  expect(
    await client.sayAll(
      'EHLO a',
      'MAIL FROM:<>',
      'RCPT TO:<a@b.example>',
      'MAIL FROM:<>',
      'RCPT TO:<a@b.example>',
      'DATA',
    ),
  ).toEqual(['250', '550 5.7.1', '503 5.5.1', '250 2.1.0', '550 5.1.1', '554 5.5.1'])
})

test('a gate that throws is 451, and the session lives', async () => {
  class Broken extends AcceptingGate {
    override onMail(): Promise<null> {
      this.#count++
      if (this.#count === 1) return Promise.reject(new Error('database is away'))
      if (this.#count === 2) throw new Fault('us', reply(451, '4.7.0', '[lookup-failed] later'), 'dns')
      return Promise.resolve(null)
    }
    override onEndOfData(): Promise<never> {
      return Promise.reject(new Error('disk is away'))
    }
    #count = 0
  }
  const { connect, log } = await openListener({ gate: new Broken() })
  const client = await connect()
  expect(
    await client.sayAll('EHLO a', 'MAIL FROM:<>', 'MAIL FROM:<>', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'DATA'),
  ).toEqual(['250', '451 4.3.0', '451 4.7.0', '250 2.1.0', '250 2.1.5', '354'])
  client.raw(message)
  expect(await client.code()).toBe('451 4.3.0')
  expect(await client.say('MAIL FROM:<>')).toBe('250 2.1.0')
  expect(log.join('\n')).toContain('disk is away')
})

test('a client that leaves in the middle of anything leaves nothing behind', async () => {
  const { connect, options, gate } = await openListener()
  for (const octets of ['', 'EH', 'EHLO a\r\n', 'EHLO a\r\nMAIL FROM:<>\r\n']) {
    const client = await connect()
    client.raw(octets)
    client.destroy()
  }
  const half = await connect()
  await half.sayAll('EHLO a', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'DATA')
  half.raw('A: b\r\n\r\nhalf a mess')
  half.socket.resetAndDestroy()
  await expect.poll(() => options.budget.connections.total).toBe(0)
  expect(options.budget.bytes.used).toBe(0)
  expect(gate.accepted).toEqual([])
})

test('a client that closes its side after QUIT or after its last command still hears the replies', async () => {
  const { connect } = await openListener()
  const client = await connect()
  await client.say('EHLO a')
  client.raw('MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n')
  client.end()
  expect([await client.code(), await client.code()]).toEqual(['250 2.1.0', '250 2.1.5'])
  await client.closed()
})
