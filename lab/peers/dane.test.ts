import { X509Certificate, hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lookUpDane } from '../../src/path/delivery/protection/dane-look-up.ts'
import { openProtections } from '../../src/path/delivery/protection/open-protections.ts'
import { openTlsStore } from '../../src/path/delivery/protection/tls-store.ts'
import { defaultDelivery } from '../../src/path/delivery/settings.ts'
import { cachedDns } from '../../src/platform/dns-system.ts'
import type { Domain } from '../../src/standards/names/domain.ts'
import { type Workshop, openHouse, openWorkshop } from '../houses/delivery.ts'
import { createAuthority } from '../world/certificates.ts'
import { startScriptedReceiver } from './scripted-receiver.ts'
import { startUnbound, unboundIsThere } from './unbound.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const clock = { now: () => Date.now(), steady: () => performance.now() }

it('unbound and ldnsutils are installed (Debian: apt-get install unbound ldnsutils)', () => {
  expect(unboundIsThere()).toBe(true)
})

it.each(['the right one', 'another', 'one that was changed after it was signed'])(
  'a signed TLSA record that is %s',
  async (kind) => {
    const authority = await createAuthority('Nobody Believes It')
    const identity = await authority.issue(['elsewhere.example'])
    const receiver = await startScriptedReceiver({ tls: identity })
    const spki = new X509Certificate(identity.cert).publicKey.export({ type: 'spki', format: 'der' })
    const digest = kind === 'another' ? '00'.repeat(32) : hash('sha256', spki, 'hex')
    const unbound = await startUnbound({
      zone: 'dest.example',
      records: ['@ IN MX 10 mx', 'mx IN A 127.0.0.1', `_${receiver.port}._tcp.mx IN TLSA 3 1 1 ${digest}`],
      ...(kind.startsWith('one') ? { broken: { record: digest, becomes: '11'.repeat(32) } } : {}),
    })
    const directory = mkdtempSync(join(tmpdir(), 'anechoic-dane-'))
    const store = await openTlsStore(directory)
    const dns = cachedDns([unbound.address], 2000, clock)
    const protections = openProtections({
      validating: dns,
      dns,
      store,
      mtaStsPort: null,
      roots: null,
      clock,
      log: quiet,
    })
    const house = await openHouse(workshop, {
      dns,
      protections,
      settings: { port: receiver.port, timeouts: defaultDelivery.timeouts },
    })
    try {
      await house.mail()
      const told = await firstOutcome(house)
      if (kind === 'the right one') {
        expect(told).toMatch(/^delivered/)
        expect(receiver.taken[0]?.encrypted).toBe(true)
        const target = { name: 'mx.dest.example', address: '127.0.0.1', port: receiver.port }
        const found = await lookUpDane(dns, 'dest.example' as Domain, target)
        expect(found).toMatchObject({ securesServers: true, finding: { kind: 'records' } })
      } else {
        expect(told).toMatch(
          kind === 'another' ? /^deferred 4\.7\.5 .*\(DANE\) are not met/ : /^deferred 4\.7\.5 .*DNS answered servfail/,
        )
        expect(receiver.taken).toEqual([])
      }
    } finally {
      await house.close()
      await store.destroy()
      await receiver.close()
      unbound.stop()
      rmSync(directory, { recursive: true })
    }
  },
  60_000,
)

async function firstOutcome(house: Awaited<ReturnType<typeof openHouse>>): Promise<string> {
  for (let tries = 0; tries < 800; tries++) {
    const told = (await house.events()).find((one) => ['delivered', 'deferred', 'failed'].includes(one.kind))
    if (told !== undefined) return `${told.kind} ${String(told.detail['reply'])}`
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('nothing came of it')
}

const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet }

function nothing(): void {}
