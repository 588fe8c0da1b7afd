import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type House,
  type HouseOptions,
  type Workshop,
  openHouse,
  openWorkshop,
} from '../../../../lab/houses/delivery.ts'
import { type Script, type ScriptedReceiver, startScriptedReceiver } from '../../../../lab/peers/scripted-receiver.ts'
import { isProfileProblems, readProfiles } from './read-profiles.ts'
import type { Profiles } from './profiles.ts'

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

function over(actions: string, limits = ''): Profiles {
  const read = readProfiles(`profiles:\n  default:\n${limits}    actions:\n${actions}`, 'own.yaml')
  if (isProfileProblems(read)) throw new Error(read.problems.join('\n'))
  return read
}

/** So slow a retry clock that nothing in a test waits for it. */
const slowClock = { first: 3_600_000, factor: 2, max: 14_400_000, giveUpAfter: 86_400_000 }

async function house(to: { readonly port: number }, profiles: Profiles, options: HouseOptions = {}): Promise<House> {
  const routes = [{ domain: '*', host: '127.0.0.1', port: to.port, tls: 'off' as const }]
  const settings = { routes, retry: slowClock, ...options.settings }
  const opened = await openHouse(workshop, {
    random: () => 0.5,
    ...options,
    shaping: { profiles, ...options.shaping },
    settings,
  })
  open.push(opened)
  return opened
}

const patience = { timeout: 20_000 }
const stateOf = async (home: House) => (await home.queue()).flatMap((row) => row.recipients)
const suspending = '      reputation: [{ do: suspend, what: address, replies: 2, within: 10m, for: 1h }]\n'
const blocked = '550 5.7.1 Client host blocked using a block list'

describe('what receivers say', () => {
  it('of greylisting has a clock of its own, and the mail arrives', async () => {
    const server = await receiver({
      answer: ({ verb, count }) => (verb === 'RCPT' && count === 1 ? '451 4.7.1 Greylisted, come back' : null),
    })
    const home = await house(server, over('      greylist: [{ do: retry, after: 200ms, times: 3 }]\n'))
    await home.mail()
    await home.empty()
    expect(server.taken).toHaveLength(1)
    expect(await home.events('deferred')).toMatchObject([{ detail: { class: 'greylist', attempted: true } }])
    expect(home.delivery.shaping.list()).toEqual([])
  })

  it('of too much slows the way there, visibly, and it recovers by mail that is taken', async () => {
    let isBusy = true
    const server = await receiver({
      answer: ({ verb }) => (verb === 'MAIL' && isBusy ? '421 4.7.0 too many messages from you' : null),
    })
    const rate =
      '{ do: slow, replies: 2, within: 1m, factor: 50%, for: 6s, steps: 2 }, { do: retry, after: 100ms, times: 99 }'
    const home = await house(server, over(`      rate: [${rate}]\n`, '    rate: 600/m\n    connections: 1\n'))
    await home.mail()
    await home.mail({ to: ['eve@dest.example'] })
    await expect.poll(() => home.delivery.shaping.list().length, patience).toBe(1)
    const [notice] = home.delivery.shaping.list()
    expect(notice).toMatchObject({
      kind: 'slow',
      site: `127.0.0.1:${server.port}`,
      scope: { what: 'address', address: null },
      because: { class: 'rate', reply: '421 4.7.0 too many messages from you', replies: 2 },
      by: 'default, own.yaml:6',
    })
    expect((await home.events('site-slowed'))[0]).toMatchObject({
      detail: { factor: 0.5, rule: 'default, own.yaml:6' },
    })
    isBusy = false
    await expect
      .poll(
        async () => {
          await home.mail({ to: ['more@dest.example'] })
          return home.delivery.shaping.list().length
        },
        { ...patience, interval: 500 },
      )
      .toBe(0)
    expect(await home.events('site-resumed')).toMatchObject([{ detail: { how: 'recovered', action: notice?.id } }])
  })

  it('of an address suspends it there, and another address of the pool is used', async () => {
    const names = new Map<number, string>()
    const server = await receiver({
      answer: ({ verb, argument, connection }) => {
        if (verb === 'EHLO') names.set(connection, argument)
        return verb === 'RCPT' && names.get(connection) === 'bad.example'
          ? '451 4.7.1 blocked using a block list'
          : null
      },
    })
    const addresses = ['bad', 'good'].map((name, at) => ({
      address: `127.0.0.${at + 2}`,
      ehlo: `${name}.example`,
      weight: name === 'bad' ? 1000 : 0.001,
      warmUp: null,
    }))
    const home = await house(server, over(suspending), { settings: { pools: [{ name: 'default', addresses }] } })
    for (let at = 0; at < 2; at++) await home.mail({ to: [`u${at}@dest.example`] })
    await expect.poll(() => home.delivery.shaping.list().length, patience).toBe(1)
    expect(home.delivery.shaping.list()).toMatchObject([
      { kind: 'suspend', scope: { what: 'address', address: '127.0.0.2' } },
    ])
    await home.mail({ to: ['later@dest.example'] })
    await expect.poll(() => server.taken.length, patience).toBe(1)
    expect(names.get(server.taken[0]?.connection ?? 0)).toBe('good.example')
  })

  it('suspends nobody for one message, even with many recipients', async () => {
    const server = await receiver({ answer: ({ verb }) => (verb === 'RCPT' ? blocked : null) })
    const home = await house(server, over(suspending))
    await home.mail({
      to: Array.from({ length: 20 }, (_, at) => `u${at}@dest.example`),
      envelope: { reversePath: null },
    })
    await expect.poll(async () => (await home.events('failed')).length, patience).toBeGreaterThan(0)
    expect(home.delivery.shaping.list()).toEqual([])
  })

  it('returns mail at once whose recipient is no more, where the rule says so even for a reply for now', async () => {
    const server = await receiver({ answer: ({ verb }) => (verb === 'RCPT' ? '450 4.1.1 user unknown' : null) })
    const home = await house(server, over('      recipient: [{ do: bounce, temporary: true }]\n'))
    await home.mail({ envelope: { reversePath: null } })
    await expect.poll(async () => (await home.events('failed')).length, patience).toBe(1)
    expect(await home.events('failed')).toMatchObject([
      { detail: { class: 'recipient', reply: '450 4.1.1 user unknown' } },
    ])
  })
})

describe('suspended mail', () => {
  it('waits without an attempt, goes when a person clears it, and the ledger has both', async () => {
    let isBlocking = true
    const server = await receiver({ answer: ({ verb }) => (verb === 'RCPT' && isBlocking ? blocked : null) })
    const home = await house(server, over(suspending))
    for (let at = 0; at < 2; at++) await home.mail({ to: [`u${at}@dest.example`], envelope: { reversePath: null } })
    await expect.poll(() => home.delivery.shaping.list().length, patience).toBe(1)
    isBlocking = false
    await home.mail({ to: ['bob@dest.example'] })
    const [notice] = home.delivery.shaping.list()
    await expect
      .poll(async () => (await stateOf(home)).map((one) => one.lastReply), patience)
      .toEqual([expect.stringContaining(`is suspended at 127.0.0.1:${server.port} (${notice?.id})`)])
    expect((await stateOf(home))[0]?.attempts).toBe(0)
    expect(server.taken).toEqual([])
    expect(home.delivery.shaping.clear(notice?.id ?? '', 'ada')).toBe(true)
    await home.empty()
    expect(server.taken).toHaveLength(1)
    const [suspended] = await home.events('site-suspended')
    expect(suspended).toMatchObject({ id: notice?.because.message, detail: { reply: blocked, action: notice?.id } })
    expect(await home.events('site-resumed')).toMatchObject([{ detail: { how: 'cleared', by: 'ada' } }])
  })

  it('stays suspended over a restart, is given up in its time, and its sender hears of it', async () => {
    const server = await receiver()
    const because = { class: 'reputation' as const, reply: blocked, replies: 2, message: 'm', domain: 'dest.example' }
    const profiles = over(suspending)
    const now = Date.now()
    const kept = {
      id: 'shp-1',
      kind: 'suspend' as const,
      site: `127.0.0.1:${server.port}`,
      scope: { what: 'customer' as const, customer: 'acme' },
      factor: 0,
      step: 'down' as const,
      perMinute: null,
      from: now,
      changed: now,
      until: now + 30 * 86_400_000,
      because,
      by: 'default, own.yaml:4',
      ended: null,
    }
    const home = await house(server, profiles, { shaping: { profiles, notices: [kept] } })
    await home.mail()
    await expect.poll(async () => (await stateOf(home))[0]?.lastReply, patience).toContain('customer acme is suspended')
    expect((await stateOf(home))[0]).toMatchObject({ attempts: 0 })
    expect((await stateOf(home))[0]?.dueAt).toBeLessThan(now + 3_600_000)
    await home.mail({ age: slowClock.giveUpAfter + 1000 })
    await expect.poll(async () => (await home.events('failed')).length, patience).toBe(1)
    expect(await home.events('failed')).toMatchObject([
      { detail: { reply: expect.stringMatching(/^5\.4\.7 given up .* suspended at/) as string } },
    ])
    expect(await home.events('dsn')).toHaveLength(1)
  })
})

describe('limits', () => {
  it('hold for all domains of a site and all its servers together, whatever the script', async () => {
    const reaction = fc.constantFrom(null, null, null, '451 4.3.0 not now', '550 5.1.1 no')
    const script = fc.record({
      connections: fc.integer({ min: 1, max: 3 }),
      messages: fc.integer({ min: 1, max: 3 }),
      reactions: fc.array(reaction, { minLength: 1, maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(script, async ({ connections, messages, reactions }) => {
        const seen = { most: 0, messages: new Map<string, number>() }
        const servers: ScriptedReceiver[] = []
        const answer =
          (host: string): NonNullable<Script['answer']> =>
          ({ verb, connection, count }) => {
            seen.most = Math.max(
              seen.most,
              servers.reduce((sum, one) => sum + one.open, 0),
            )
            if (verb === 'MAIL') {
              const name = `${host} ${connection}`
              seen.messages.set(name, (seen.messages.get(name) ?? 0) + 1)
            }
            return verb === 'RCPT' ? (reactions[count % reactions.length] ?? null) : null
          }
        servers.push(await startScriptedReceiver({ answer: answer('a') }))
        const { port } = servers[0] as ScriptedReceiver
        servers.push(await startScriptedReceiver({ answer: answer('b'), host: '127.0.0.2', port }))
        const exchanges = ['a.mx.example', 'b.mx.example'].map((exchange) => ({ preference: 10, exchange }))
        const limits = `    connections: ${connections}\n    messagesPerConnection: ${messages}\n`
        const home = await openHouse(workshop, {
          shaping: { profiles: over('      rate: []\n', limits) },
          settings: { port, retry: slowClock },
          dns: {
            mx: async () => exchanges,
            addresses: async (name, family) =>
              family === 6 ? [] : [name.startsWith('a.') ? '127.0.0.1' : '127.0.0.2'],
          },
        })
        try {
          const to = Array.from({ length: 12 }, (_, at) => `u${at}@${at % 2 === 0 ? 'one' : 'two'}.example`)
          await Promise.all(to.map((one) => home.mail({ to: [one], envelope: { reversePath: null } })))
          await expect
            .poll(
              async () => (await stateOf(home)).every((one) => one.attempts > 0 || one.state !== 'pending'),
              patience,
            )
            .toBe(true)
          expect(seen.most).toBeLessThanOrEqual(connections)
          for (const count of seen.messages.values()) expect(count).toBeLessThanOrEqual(messages)
        } finally {
          await home.close()
          for (const one of servers) await one.close()
        }
      }),
      { numRuns: 6 },
    )
  }, 120_000)

  it('of rate put off what is too much, in order, without an attempt', async () => {
    const server = await receiver()
    const home = await house(server, over('      rate: []\n', '    rate: 1/2s\n'))
    const began = Date.now()
    for (let at = 0; at < 3; at++) await home.mail({ to: [`u${at}@dest.example`] })
    await home.empty()
    expect(server.taken).toHaveLength(3)
    expect(Date.now() - began).toBeGreaterThan(3_900)
    const late = await home.events('deferred')
    expect(late.length).toBeGreaterThan(0)
    expect(late.every(({ detail }) => detail['attempted'] === false)).toBe(true)
  })
})
