import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type House, type HouseOptions, type Workshop, openHouse, openWorkshop } from '../../../lab/houses/delivery.ts'
import { type ScriptedReceiver, startScriptedReceiver } from '../../../lab/peers/scripted-receiver.ts'
import { mailbox } from '../decision/testing/evidence.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

async function house(options: HouseOptions = {}): Promise<{ home: House; server: ScriptedReceiver }> {
  const server = await startScriptedReceiver()
  const routes = [{ domain: '*', host: '127.0.0.1', port: server.port, tls: 'off' as const }]
  const home = await openHouse(workshop, { settings: { routes }, ...options })
  open.push(server, home)
  return { home, server }
}

const returnAddress: HouseOptions['returnAddress'] = ({ id }) => {
  return (recipient) => mailbox(`${id}-${recipient ?? 'all'}@bounce.acme.example`)
}

describe('the reverse-path on the wire', () => {
  it('is ours where there is an address for it, and names the recipient of a transaction that has one', async () => {
    const { home, server } = await house({ returnAddress })
    const id = await home.mail()
    await home.empty()
    expect(server.taken[0]?.mail).toMatch(new RegExp(`^FROM:<${id}-0@bounce\\.acme\\.example>`))
  })

  it('names the message in a transaction for several', async () => {
    const { home, server } = await house({ returnAddress })
    const id = await home.mail({ to: ['a@dest.example', 'b@dest.example'] })
    await home.empty()
    expect(server.taken.map((one) => one.mail)).toEqual([expect.stringContaining(`<${id}-all@bounce.acme.example>`)])
  })

  it('stays null where it was, and stays as it came where there is none of ours', async () => {
    const { home, server } = await house({ returnAddress })
    await home.mail({ envelope: { reversePath: null } })
    await home.empty()
    expect(server.taken[0]?.mail).toMatch(/^FROM:<>/)
    const plain = await house({ returnAddress: () => null })
    await plain.home.mail()
    await plain.home.empty()
    expect(plain.server.taken[0]?.mail).toMatch(/^FROM:<alice@acme\.example>/)
  })

  it('asks for no SMTPUTF8 where only the sender that it stands for would', async () => {
    const { home, server } = await house({ returnAddress })
    await home.mail({ envelope: { reversePath: mailbox('\u00e4@acme.example'), smtputf8: true } })
    await home.empty()
    expect(server.taken[0]?.mail).not.toContain('SMTPUTF8')
  })
})

const author = 'From: Alice <alice@acme.example>\r\nSubject: hello\r\n'

describe('Feedback-ID', () => {
  it('names customer, source, class and us, and is signed', async () => {
    const { home, server } = await house()
    await home.mail()
    await home.empty()
    const message = server.taken[0]?.message ?? ''
    expect(message).toMatch(/^Feedback-ID: acme:acme-m365:hosted:relayexamplenet\r\n/m)
    const signed = /h=([^;]*);/.exec(message.replace(/\r\n\s+/g, ''))?.[1]?.split(':') ?? []
    expect(signed.filter((name) => name === 'feedback-id')).toHaveLength(2)
  })

  it("leaves the author's own alone, and adds none beside it", async () => {
    const { home, server } = await house()
    await home.mail({ header: `${author}Feedback-ID: 1:2:3:AmazonSES\r\n` })
    await home.empty()
    expect(server.taken[0]?.message.match(/^feedback-id: .*/gim)).toEqual(['Feedback-ID: 1:2:3:AmazonSES'])
  })

  it('is taken out where the author wrote it in our name', async () => {
    const { home, server } = await house()
    await home.mail({ header: `${author}Feedback-ID: globex:globex-crm:hosted:RelayExampleNet\r\n` })
    await home.empty()
    expect(server.taken[0]?.message.match(/^feedback-id: .*/gim)).toEqual([
      'Feedback-ID: acme:acme-m365:hosted:relayexamplenet',
    ])
  })
})
