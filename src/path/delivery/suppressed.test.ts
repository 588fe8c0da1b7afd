import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type House, type HouseOptions, type Workshop, openHouse, openWorkshop } from '../../../lab/houses/delivery.ts'
import { type ScriptedReceiver, startScriptedReceiver } from '../../../lab/peers/scripted-receiver.ts'
import { formatMailbox } from '../../standards/names/mailbox.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

/** A house whose customer writes to nobody in `listed`. */
async function house(
  listed: ReadonlySet<string>,
  fate: 'refuse' | 'discard',
): Promise<{ readonly home: House; readonly server: ScriptedReceiver }> {
  const server = await startScriptedReceiver({})
  const routes = [{ domain: '*', host: '127.0.0.1', port: server.port, tls: 'off' as const }]
  const suppressed: HouseOptions['suppressed'] = ({ permit }, one) =>
    permit.customer === 'acme' && listed.has(formatMailbox(one)) ? fate : null
  const home = await openHouse(workshop, { settings: { routes }, suppressed })
  open.push(server, home)
  return { home, server }
}

const both = ['gone@dest.example', 'bob@dest.example']
/** To whom the receiver was handed the customer's own mail. */
const reached = (server: ScriptedReceiver) =>
  server.taken.filter((one) => !one.mail.startsWith('FROM:<>')).flatMap((one) => one.recipients)

describe('a recipient on the suppression list', () => {
  it('is told to the sender, and the others get their mail', async () => {
    const { home, server } = await house(new Set(['gone@dest.example']), 'refuse')
    await home.mail({ to: both })
    await home.empty()
    expect(reached(server)).toEqual([expect.stringContaining('bob@dest.example')])
    const report = server.taken.find((one) => one.mail.startsWith('FROM:<>'))
    expect(report?.message).toContain('Final-Recipient: rfc822; gone@dest.example')
    expect(report?.message).toContain('Status: 5.1.1')
    expect(report?.message).toMatch(/on\s+the\s+suppression\s+list/)
    expect((await home.events('failed'))[0]?.detail).toMatchObject({
      recipients: ['gone@dest.example'],
      remote: null,
      reply: expect.stringMatching(/^5\.1\.1 \[suppressed\] gone@dest\.example/),
    })
  })

  it('is left out in silence where the customer chose that, and the ledger says so', async () => {
    const { home, server } = await house(new Set(['gone@dest.example']), 'discard')
    await home.mail({ to: both })
    await home.empty()
    expect(server.taken).toHaveLength(1)
    expect(reached(server)).toEqual([expect.stringContaining('bob@dest.example')])
    expect((await home.events('discarded'))[0]?.detail).toEqual({
      recipients: ['gone@dest.example'],
      reason: 'on the suppression list of the sending customer',
    })
    expect(await home.events('failed')).toEqual([])
  })

  it('costs no connection and no signature when it is alone', async () => {
    const { home, server } = await house(new Set(['gone@dest.example']), 'discard')
    await home.mail({ to: ['gone@dest.example'] })
    await home.empty()
    expect(server.taken).toEqual([])
    expect((await home.events()).map((one) => one.kind)).toEqual(['discarded'])
  })

  it('counts for mail that waited', async () => {
    const listed = new Set<string>()
    const { home, server } = await house(listed, 'discard')
    const id = await home.mail({ to: ['gone@dest.example'], hold: { reason: 'held', until: Date.now() + 60_000 } })
    listed.add('gone@dest.example')
    await home.delivery.release(id, 'ann')
    await home.empty()
    expect(server.taken).toEqual([])
  })
})
