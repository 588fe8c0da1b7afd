import { afterEach, describe, expect, test } from 'vitest'
import type { Reply } from '../../standards/smtp/reply.ts'
import { TestClient } from './testing/client.ts'
import { AcceptingGate } from './testing/gate.ts'
import { closeListeners, openListener } from './testing/listener.ts'

afterEach(closeListeners)

const message = 'Subject: x\r\n\r\nhello\r\n.\r\n'
const toData = ['EHLO a', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'DATA']

describe('lines', () => {
  test('up to the limit of their verb, and no further', async () => {
    const { connect } = await openListener()
    const client = await connect()
    expect(await client.say(`NOOP ${'x'.repeat(505)}`)).toBe('250 2.0.0')
    expect(await client.say(`NOOP ${'x'.repeat(506)}`)).toBe('500 5.5.2')
    expect(await client.say('EHLO a')).toBe('250')
    expect(await client.say(`MAIL FROM:<> ENVID=${'x'.repeat(100)} AUTH=${'x'.repeat(480)}`)).toBe('250 2.1.0')
    expect(await client.say(`RCPT TO:<a@b.example> ${'x'.repeat(3000)}`)).toBe('500 5.5.2')
    expect(await client.say('RCPT TO:<a@b.example>')).toBe('250 2.1.5')
  })

  test('an overlong line is got past however it is cut, CR and LF included', async () => {
    const { connect } = await openListener()
    const client = await connect()
    await client.drip(`NOOP ${'x'.repeat(700)}\r\nEHLO a\r\n`)
    expect([await client.code(), await client.code()]).toEqual(['500 5.5.2', '250'])
  })

  test('a line without end is cut off', async () => {
    const { connect } = await openListener()
    const client = await connect()
    client.raw('x'.repeat(200_000))
    expect(await client.code()).toBe('500 5.5.2')
    await client.closed()
  })

  test('a bare LF far inside an overlong line is still a fault', async () => {
    const { connect, gate } = await openListener()
    const client = await connect()
    await client.drip(`NOOP ${'x'.repeat(600)}`)
    client.raw('\nMAIL FROM:<>\r\n')
    expect(await client.code()).toBe('554 5.6.0')
    await client.closed()
    expect(gate.mails).toEqual([])
  })
})

describe('messages', () => {
  test('SIZE over the limit is judged at MAIL', async () => {
    const { connect, gate } = await openListener()
    const client = await connect()
    expect(await client.sayAll('EHLO a', 'MAIL FROM:<> SIZE=1000001', 'MAIL FROM:<> SIZE=1000000')).toEqual([
      '250',
      '552 5.3.4',
      '250 2.1.0',
    ])
    expect(gate.faults).toEqual([{ kind: 'message-too-big', limit: 1_000_000 }])
  })

  test('a message over the limit is judged when it has been got past, and the session goes on', async () => {
    const { connect, gate, options } = await openListener({ limits: { maxMessageBytes: 10_000 } })
    const client = await connect()
    await client.sayAll(...toData)
    client.raw(`Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(150)}.\r\nMAIL FROM:<>\r\n`)
    expect([await client.code(), await client.code()]).toEqual(['552 5.3.4', '250 2.1.0'])
    expect(gate.faults).toEqual([{ kind: 'message-too-big', limit: 10_000 }])
    expect(options.budget.bytes.used).toBe(0)
  })

  test('a message that never ends is cut off', async () => {
    const { connect, gate } = await openListener({ limits: { maxMessageBytes: 10_000 } })
    const client = await connect()
    await client.sayAll(...toData)
    client.raw(`Subject: x\r\n\r\n${'x'.repeat(100_000)}`)
    expect(await client.code()).toBe('552 5.3.4')
    await client.closed()
    expect(gate.accepted).toEqual([])
  })

  test('a header section over its limits, or none, is malformed', async () => {
    const { connect, gate } = await openListener({ limits: { maxHeaderFields: 3, maxHeaderBytes: 100 } })
    const client = await connect()
    await client.say('EHLO a')
    for (const data of ['A: 1\r\n'.repeat(4), `A: ${'x'.repeat(100)}\r\n`, '']) {
      await client.sayAll(...toData.slice(1))
      client.raw(`${data}\r\nbody\r\n.\r\n`)
      expect(await client.code()).toBe('554 5.6.0')
    }
    expect(gate.faults.map((fault) => fault.kind)).toEqual(Array.from({ length: 3 }, () => 'message-malformed'))
    expect(gate.accepted).toEqual([])
  })

  test('recipients over the limit hear 452, and the gate judges that once', async () => {
    const { connect, gate } = await openListener({ limits: { maxRecipients: 2 } })
    const client = await connect()
    const lines = [
      'EHLO a',
      'MAIL FROM:<>',
      ...Array.from({ length: 4 }, (_, index) => `RCPT TO:<r${index}@b.example>`),
    ]
    expect(await client.sayAll(...lines)).toEqual([
      '250',
      '250 2.1.0',
      '250 2.1.5',
      '250 2.1.5',
      '452 4.5.3',
      '452 4.5.3',
    ])
    expect(gate.faults).toEqual([{ kind: 'too-many-recipients', limit: 2 }])
    await client.say('DATA')
    client.raw(message)
    expect(await client.code()).toBe('250 2.0.0')
    expect(gate.accepted[0]?.transaction.forwardPaths.length).toBe(2)
  })

  test('a multitude of refused recipients ends the session', async () => {
    const { connect } = await openListener({ limits: { maxRecipients: 2 } })
    const client = await connect()
    await client.sayAll('EHLO a', 'MAIL FROM:<>')
    client.raw('RCPT TO:<a@b.example>\r\n'.repeat(200))
    await client.closed()
    expect(client.pending.at(-1)).toMatchObject({ code: 421, enhanced: '4.7.0' })
    expect(client.pending.length).toBe(121)
  })
})

describe('connections', () => {
  test('over the total or over the client’s share hear 421', async () => {
    const { connect, listener, options } = await openListener({ budget: { maxConnectionsPerClient: 2 } })
    const first = await connect()
    await connect()
    const refused = await TestClient.connect(listener.port)
    expect(await refused.code()).toBe('421 4.3.2')
    await refused.closed()
    await first.say('QUIT')
    await first.closed()
    await expect.poll(() => options.budget.connections.total).toBe(1)
    await connect()
  })

  test('that say nothing, or drip a command for ever, time out', async () => {
    const { connect } = await openListener({ limits: { idleTimeoutSeconds: 0.3 } })
    const silent = await connect()
    const dripping = await connect()
    const started = performance.now()
    const timer = setInterval(() => dripping.raw('X'), 50)
    expect(await silent.code()).toBe('421 4.4.2')
    expect(await dripping.code()).toBe('421 4.4.2')
    clearInterval(timer)
    expect(performance.now() - started).toBeLessThan(2000)
    await silent.closed()
  })

  test('that drip their data slower than the least rate time out', async () => {
    const { connect, options, gate } = await openListener({ limits: { idleTimeoutSeconds: 0.3 } })
    const client = await connect()
    await client.sayAll(...toData)
    const timer = setInterval(() => client.raw('x'), 20)
    expect(await client.code()).toBe('421 4.4.2')
    clearInterval(timer)
    await client.closed()
    expect(options.budget.bytes.used).toBe(0)
    expect(gate.accepted).toEqual([])
  })

  test('that are busy enough with their data do not', async () => {
    const { connect, gate } = await openListener({ limits: { idleTimeoutSeconds: 0.3 } })
    const client = await connect()
    await client.sayAll(...toData)
    client.raw('A: b\r\n\r\n')
    for (let count = 0; count < 12; count++) {
      client.raw(`${'x'.repeat(98)}\r\n`)
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    }
    client.raw('.\r\n')
    expect(await client.code()).toBe('250 2.0.0')
    expect(gate.accepted.length).toBe(1)
  })

  test('that only make errors, or only idle, hear 421', async () => {
    const { connect } = await openListener({ patience: { maxErrors: 3, maxIdleCommands: 5 } })
    const clumsy = await connect()
    expect(await clumsy.sayAll('X', 'MAIL', 'RCPT TO:<>', 'DATA')).toEqual([
      '500 5.5.1',
      '501 5.5.4',
      '501 5.1.3',
      '421 4.7.0',
    ])
    await clumsy.closed()
    const idle = await connect()
    expect(await idle.sayAll('EHLO a', 'NOOP', 'RSET', 'VRFY a', 'HELP', 'EHLO a', 'NOOP')).toEqual([
      '250',
      '250 2.0.0',
      '250 2.0.0',
      '252 2.5.0',
      '214 2.0.0',
      '250',
      '421 4.7.0',
    ])
    await idle.closed()
  })

  test('a message that was accepted pays for errors before it', async () => {
    const { connect } = await openListener({ patience: { maxErrors: 2 } })
    const client = await connect()
    await client.say('EHLO a')
    for (let round = 0; round < 3; round++) {
      expect(await client.sayAll('X', 'X', ...toData.slice(1))).toEqual([
        '500 5.5.1',
        '500 5.5.1',
        '250 2.1.0',
        '250 2.1.5',
        '354',
      ])
      client.raw(message)
      expect(await client.code()).toBe('250 2.0.0')
    }
  })

  test('that never read their replies are not read from', async () => {
    const { connect, options } = await openListener({ patience: { maxErrors: 100_000_000 } })
    const client = await connect()
    client.socket.pause()
    for (let count = 0; count < 20; count++) client.raw('X\r\n'.repeat(350_000))
    await new Promise((resolve) => {
      setTimeout(resolve, 400)
    })
    const waiting = client.socket.writableLength
    expect(waiting).toBeGreaterThan(5_000_000)
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    expect(client.socket.writableLength).toBe(waiting)
    client.socket.resetAndDestroy()
    await expect.poll(() => options.budget.connections.total).toBe(0)
  })
})

describe('the budget of octets in flight', () => {
  class Slow extends AcceptingGate {
    release: () => void = () => {}
    readonly #gateOpen = new Promise<void>((resolve) => {
      this.release = resolve
    })
    override async onEndOfData(...args: Parameters<AcceptingGate['onEndOfData']>): Promise<Reply> {
      const heard = await super.onEndOfData(...args)
      await this.#gateOpen
      return heard
    }
  }
  const body = (octets: number): string => `A: b\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(octets / 100)}`

  test('a message counts until it is answered; over the budget MAIL and DATA hear 452', async () => {
    const gate = new Slow()
    const { connect, options } = await openListener({ gate, budget: { bytesInFlight: 20_000 } })
    const first = await connect()
    await first.sayAll(...toData)
    first.raw(`${body(20_000)}.\r\n`)
    await expect.poll(() => gate.accepted.length).toBe(1)
    expect(options.budget.bytes.used).toBe(20_008)
    const second = await connect()
    expect(await second.sayAll('EHLO a', 'MAIL FROM:<>')).toEqual(['250', '452 4.3.1'])
    gate.release()
    expect(await first.code()).toBe('250 2.0.0')
    expect(options.budget.bytes.used).toBe(0)
    expect(await second.say('MAIL FROM:<>')).toBe('250 2.1.0')
  })

  test('while it is exceeded nothing more is read, and reading goes on when there is room again', async () => {
    const gate = new Slow()
    const { connect, options } = await openListener({ gate, budget: { bytesInFlight: 20_000 } })
    const first = await connect()
    const second = await connect()
    await first.sayAll(...toData)
    await second.sayAll(...toData)
    first.raw(`${body(15_000)}.\r\n`)
    await expect.poll(() => gate.accepted.length).toBe(1)
    second.raw(body(10_000))
    await expect.poll(() => options.budget.bytes.used).toBeGreaterThan(20_000)
    const used = options.budget.bytes.used
    second.raw(`${'x'.repeat(500)}\r\n.\r\n`)
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    expect(options.budget.bytes.used).toBe(used)
    gate.release()
    expect(await first.code()).toBe('250 2.0.0')
    expect(await second.code()).toBe('250 2.0.0')
    expect(options.budget.bytes.used).toBe(0)
  })

  test('a message that finds no room in time is given up with 452, and got past', async () => {
    const gate = new Slow()
    const { connect, options } = await openListener({
      gate,
      budget: { bytesInFlight: 20_000 },
      patience: { budgetWaitMs: 300 },
    })
    const first = await connect()
    const second = await connect()
    await first.sayAll(...toData)
    await second.sayAll(...toData)
    first.raw(`${body(15_000)}.\r\n`)
    await expect.poll(() => gate.accepted.length).toBe(1)
    second.raw(body(10_000))
    await expect.poll(() => options.budget.bytes.used, { interval: 5 }).toBe(25_016)
    await expect.poll(() => options.budget.bytes.used).toBe(15_008)
    second.raw(`${body(10_000)}.\r\n`)
    expect(await second.code()).toBe('452 4.3.1')
    expect(await second.say('NOOP')).toBe('250 2.0.0')
    gate.release()
    expect(await first.code()).toBe('250 2.0.0')
  })

  test('while a message is judged, little more is read from its client', async () => {
    const gate = new Slow()
    const { connect } = await openListener({ gate })
    const client = await connect()
    await client.sayAll(...toData)
    client.raw(message)
    await expect.poll(() => gate.accepted.length).toBe(1)
    let written = 0
    for (let count = 0; count < 400; count++) {
      client.raw('NOOP 0123456789\r\n'.repeat(4000))
      written += 68_000
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    expect(client.socket.writableLength).toBeGreaterThan(written / 2)
    gate.release()
    expect(await client.code()).toBe('250 2.0.0')
  })
})

describe('a stop', () => {
  test('waits for a message on its way, and nobody else', async () => {
    const { connect, listener, gate } = await openListener()
    const idle = await connect()
    const waiting = await connect()
    await waiting.sayAll('EHLO a', 'MAIL FROM:<>')
    const busy = await connect()
    await busy.sayAll(...toData)
    busy.raw('Subject: x\r\n')
    await expect.poll(() => busy.socket.writableLength).toBe(0)
    const stopped = listener.close(5000)
    expect(await idle.code()).toBe('421 4.3.2')
    expect(await waiting.code()).toBe('421 4.3.2')
    await expect(TestClient.connect(listener.port)).rejects.toThrow()
    busy.raw('\r\nhello\r\n.\r\n')
    expect([await busy.code(), await busy.code()]).toEqual(['250 2.0.0', '421 4.3.2'])
    await stopped
    expect(gate.accepted.length).toBe(1)
  })

  test('with nothing in the air takes less than half a second, even when clients hang on', async () => {
    const { connect, listener } = await openListener()
    await connect()
    const started = performance.now()
    await listener.close(5000)
    expect(performance.now() - started).toBeLessThan(500)
  })

  test('cuts off what does not end within its grace', async () => {
    const { connect, listener, options } = await openListener()
    const client = await connect()
    await client.sayAll(...toData)
    const started = performance.now()
    await listener.close(100)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(options.budget.bytes.used).toBe(0)
  })
})

test('new options hold for sessions that open later', async () => {
  const { connect, listener, options } = await openListener()
  const before = await connect()
  listener.update({ ...options, hostname: 'other.example', limits: { ...options.limits, maxMessageBytes: 5 } })
  const after = await connect()
  before.raw('EHLO a\r\n')
  after.raw('EHLO a\r\n')
  expect((await before.reply()).lines[0]).toBe('relay.example')
  expect((await after.reply()).lines).toContain('SIZE 5')
  expect(() => listener.update({ ...options, hostname: '' })).toThrow('hostname')
})
