import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../lab/world/free-port.ts'
import { type Reaction, type Script, startScriptedReceiver } from '../../../lab/peers/scripted-receiver.ts'
import { type House, type Workshop, openHouse, openWorkshop, quick } from '../../../lab/houses/delivery.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

const toPort = (port: number) => [{ domain: '*', host: '127.0.0.1', port, tls: 'off' as const }]

/** What may go wrong, at which word; each happens once, in this order of hearing it. */
type Mishap = { readonly verb: string; readonly at: number; readonly reaction: Reaction }

const reaction: fc.Arbitrary<Reaction> = fc.oneof(
  fc.constantFrom<Reaction>(
    { do: 'drop' },
    { do: 'close', reply: '421 4.3.2 closing' },
    { do: 'wait', ms: 3, reply: null },
  ),
  fc.constantFrom<Reaction>('451 4.3.0 later', '452 4.5.3 too many', '250 2.0.0 ok', '4', 'nonsense', '354 what'),
)
const mishap: fc.Arbitrary<Mishap> = fc.record({
  verb: fc.constantFrom('CONNECT', 'EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA', 'MESSAGE', 'RSET'),
  at: fc.integer({ min: 1, max: 8 }),
  reaction,
})
const extensions = fc.subarray(['PIPELINING', 'SIZE 1000000', '8BITMIME', 'DSN', 'ENHANCEDSTATUSCODES'])
const letters = fc.array(fc.array(fc.constantFrom('gone', 'good', 'fine', 'busy'), { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 4,
})

/** Refuses `gone` for good and `busy` at first, and has the mishaps. */
function scriptOf(mishaps: readonly Mishap[], offered: readonly string[]): Script {
  const refused = new Set<string>()
  return {
    extensions: offered,
    answer: ({ verb, argument, count }) => {
      const accident = mishaps.find((one) => one.verb === verb && one.at === count)
      // An accident that takes somebody who is gone would be a delivery, and rightly so.
      const welcomesGone = verb === 'RCPT' && argument.includes('gone') && takes(accident?.reaction)
      if (accident !== undefined && !welcomesGone) return accident.reaction
      if (verb !== 'RCPT') return null
      if (argument.includes('gone')) return '550 5.1.1 gone'
      if (!argument.includes('busy') || refused.has(argument)) return null
      refused.add(argument)
      return '450 4.2.0 busy'
    },
  }
}

function takes(reaction: Reaction | undefined): boolean {
  return reaction === '250 2.0.0 ok' || (typeof reaction === 'object' && reaction?.do === 'wait')
}

function finalEvents(events: Awaited<ReturnType<House['events']>>): Map<string, number> {
  const finals = new Map<string, number>()
  for (const event of events) {
    if (event.kind !== 'delivered' && event.kind !== 'failed') continue
    for (const recipient of event.detail['recipients'] as string[]) {
      const key = `${event.id} ${recipient} ${event.kind}`
      finals.set(key, (finals.get(key) ?? 0) + 1)
    }
  }
  return finals
}

describe('whatever a receiver does', () => {
  it('every recipient ends exactly once, delivered as often as the receiver took it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mishap, { maxLength: 6 }), extensions, letters, async (mishaps, offered, mails) => {
        const server = await startScriptedReceiver(scriptOf(mishaps, offered))
        const home = await openHouse(workshop, {
          settings: { routes: toPort(server.port), recipientsPerTransaction: 3 },
        })
        try {
          const expected = new Map<string, number>()
          for (const [at, mail] of mails.entries()) {
            const to = mail.map((kind, index) => `${kind}.${at}.${index}@dest.example`)
            // Nobody asks for reports here, so that all that the receiver takes is what was sent.
            const id = await home.mail({ to, envelope: { reversePath: null } })
            for (const one of to) expected.set(`${id} ${one} ${one.startsWith('gone') ? 'failed' : 'delivered'}`, 1)
          }
          await home.empty()
          expect(finalEvents(await home.events())).toEqual(expected)
          const copies = server.taken.flatMap((one) => one.recipients.map((text) => /<(.*)>/.exec(text)?.[1] ?? ''))
          const delivered = [...expected.keys()]
            .filter((key) => key.endsWith(' delivered'))
            .map((key) => key.split(' ')[1] ?? '')
          expect(copies.toSorted()).toEqual(delivered.toSorted())
          expect(await home.custody.depth()).toMatchObject({ queued: 0, held: 0, damaged: 0 })
        } finally {
          await home.close()
          await server.close()
        }
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  it('a relay that is cut off and starts again loses nothing, and repeats only what it could not write down', async () => {
    const server = await startScriptedReceiver({
      answer: ({ verb }) => (verb === 'MESSAGE' ? { do: 'wait', ms: 15, reply: null } : null),
    })
    open.push(server)
    const settings = { routes: toPort(server.port), connectionsPerDestination: 4 }
    const first = await openHouse(workshop, { settings })
    const to = Array.from({ length: 40 }, (_, at) => `u${at}@dest.example`)
    await Promise.all(to.map((one) => first.mail({ to: [one] })))
    await expect.poll(() => server.taken.length).toBeGreaterThan(5)
    await first.delivery.drain(0)
    await first.custody.close()
    const second = await openHouse(workshop, { settings, directory: first.directory })
    open.push(second)
    await second.empty()
    const copies = server.taken.flatMap((one) => one.recipients.map((text) => /<(.*)>/.exec(text)?.[1] ?? ''))
    expect([...new Set(copies)].toSorted()).toEqual(to.toSorted())
    expect(copies.length).toBeLessThanOrEqual(to.length + 4)
  })

  it('one that takes everything slowly does not stand in the way of the others', async () => {
    const tarpit = await startScriptedReceiver({ answer: ({ verb }) => (verb === 'CONNECT' ? { do: 'hang' } : null) })
    const good = await startScriptedReceiver()
    open.push(tarpit, good)
    const routes = [
      { domain: 'tar.example', host: '127.0.0.1', port: tarpit.port, tls: 'off' as const },
      ...toPort(good.port),
    ]
    const settings = { routes, messages: 10, connectionsPerDestination: 2, timeouts: { ...quick, greeting: 60_000 } }
    const home = await openHouse(workshop, { settings })
    open.push(home)
    for (let at = 0; at < 30; at++) await home.mail({ to: [`t${at}@tar.example`] })
    await home.mail({ to: ['bob@good.example'] })
    await expect.poll(() => good.taken.length, { timeout: 15_000 }).toBe(1)
    const waiting = (await home.queue()).flatMap((row) => row.recipients)
    expect(waiting.every((one) => one.attempts === 0)).toBe(true)
    expect(waiting).toHaveLength(30)
  })
})

const sink = '/usr/sbin/smtp-sink'
// On CI the peers are installed by the run itself; elsewhere their absence is passed over.
const sinkIsThere = spawnSync(sink, ['-h']).error === undefined || process.env['CI'] === 'true'

describe("Postfix's smtp-sink", () => {
  it.skipIf(!sinkIsThere)('takes what we send, over connections that are used again', async () => {
    const port = await freePort()
    const child = await startSink(port)
    open.push({ close: () => stop(child) })
    const home = await openHouse(workshop, { settings: { routes: toPort(port), connectionsPerDestination: 3 } })
    open.push(home)
    await Promise.all(Array.from({ length: 60 }, (_, at) => home.mail({ to: [`u${at}@dest.example`] })))
    await home.empty()
    expect(home.delivery.metrics).toMatchObject({ delivered: 60, deferred: 0, failed: 0 })
    expect(home.delivery.metrics.connectionsOpened).toBeLessThanOrEqual(3)
  })
})

/** Runs it as the user that it wants when we are root, and waits until it listens. */
async function startSink(port: number): Promise<ChildProcess> {
  const user = process.getuid?.() === 0 ? ['-u', 'postfix'] : []
  const child = spawn(sink, [...user, `127.0.0.1:${port}`, '50'], { stdio: 'ignore' })
  for (let tries = 0; ; tries++) {
    const socket = createConnection(port, '127.0.0.1')
    const up = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (up) return child
    if (tries > 200) throw new Error('smtp-sink did not start')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
