import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Workshop, fast, openHouse, openWorkshop } from '../../../lab/houses/delivery.ts'
import { type Reaction, type ScriptedReceiver, startScriptedReceiver } from '../../../lab/peers/scripted-receiver.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const sites = ['one', 'two', 'three'] as const

/** What a site does at a word, the time that it hears it for this time. */
type Accident = { readonly verb: string; readonly at: number; readonly reaction: Reaction }

const accident: fc.Arbitrary<Accident> = fc.record({
  verb: fc.constantFrom('CONNECT', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'MESSAGE', 'MESSAGE'),
  at: fc.integer({ min: 1, max: 12 }),
  reaction: fc.constantFrom<Reaction>(
    { do: 'drop' },
    { do: 'cut' },
    { do: 'close', reply: '421 4.3.2 going away' },
    { do: 'wait', ms: 20, reply: null },
    '451-4.3.0 a long\r\n451-4.3.0 story\r\n451 4.3.0 later',
    `451 4.3.0 ${'x'.repeat(700)}`,
    '452 4.5.3 enough over this connection',
    '999 what',
    'nonsense',
  ),
})

/** `gone` is refused for good, `busy` each time, `late` the first time; others are taken. */
const names = fc.array(fc.tuple(fc.constantFrom('fine', 'fine', 'gone', 'busy', 'late'), fc.constantFrom(...sites)), {
  minLength: 1,
  maxLength: 20,
})

function site(accidents: readonly Accident[]): Promise<ScriptedReceiver> {
  const seen = new Set<string>()
  return startScriptedReceiver({
    answer: ({ verb, argument, count }) => {
      const local = /<(\w+)\./.exec(argument)?.[1]
      if (verb === 'RCPT' && local === 'gone') return '550 5.1.1 nobody of this name'
      if (verb === 'RCPT' && local === 'busy') return '450 4.2.1 not now'
      const now = accidents.find((one) => one.verb === verb && one.at === count)
      // Only DATA can be cut.
      if (now !== undefined && (verb === 'DATA' || typeof now.reaction !== 'object' || now.reaction?.do !== 'cut'))
        return now.reaction
      if (verb !== 'RCPT' || local !== 'late' || seen.has(argument)) return null
      seen.add(argument)
      return '450 4.7.1 greylisted'
    },
  })
}

it('over several sites: nobody is lost, nobody comes twice, and whoever is given up is reported', async () => {
  const accidents = fc.array(accident, { maxLength: 5 })
  const scene = fc.record({
    one: accidents,
    two: accidents,
    three: accidents,
    mails: fc.array(names, { minLength: 1, maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(scene, async ({ mails, ...faults }) => {
      const receivers = { one: await site(faults.one), two: await site(faults.two), three: await site(faults.three) }
      const sender = await startScriptedReceiver()
      const routes = [
        ...sites.map((name) => ({ domain: `${name}.example`, port: receivers[name].port })),
        { domain: '*', port: sender.port },
      ].map((one) => ({ ...one, host: '127.0.0.1', tls: 'off' as const }))
      const retry = { ...fast, first: 20, max: 60, giveUpAfter: 1500 }
      const house = await openHouse(workshop, { settings: { routes, retry, recipientsPerTransaction: 4 } })
      try {
        const all: string[] = []
        for (const [at, mail] of mails.entries()) {
          const to = mail.map(([local, place], index) => `${local}.${at}.${index}@${place}.example`)
          all.push(...to)
          await house.mail({ to })
        }
        await house.empty()
        const ends = await endsIn(house)
        const copies = sites
          .flatMap((name) => receivers[name].taken)
          .flatMap((one) => one.recipients.map((text) => /<(.*)>/.exec(text)?.[1] ?? ''))
        for (const recipient of all) {
          const mine = ends.filter(([who]) => who === recipient).map(([, kind]) => kind)
          expect(mine, recipient).toHaveLength(1)
          const taken = copies.filter((one) => one === recipient).length
          expect(taken, recipient).toBe(mine[0] === 'delivered' ? 1 : 0)
          const reported = sender.taken.filter(({ message }) => message.includes(`rfc822; ${recipient}\r\n`)).length
          expect(reported, recipient).toBe(mine[0] === 'failed' ? 1 : 0)
          if (/^(?:gone|busy)/.test(recipient)) expect(mine).toEqual(['failed'])
        }
        expect(await house.custody.depth()).toMatchObject({ queued: 0, held: 0, damaged: 0 })
      } finally {
        await house.close()
        for (const name of sites) await receivers[name].close()
        await sender.close()
      }
    }),
    { numRuns: 2, verbose: 1 },
  )
}, 120_000)

async function endsIn(house: Awaited<ReturnType<typeof openHouse>>): Promise<readonly (readonly [string, string])[]> {
  return (await house.events())
    .filter(({ kind }) => kind === 'delivered' || kind === 'failed')
    .flatMap(({ kind, detail }) => (detail['recipients'] as string[]).map((one) => [one, kind] as const))
}
