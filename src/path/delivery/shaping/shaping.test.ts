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
    await home.mail()
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
})
