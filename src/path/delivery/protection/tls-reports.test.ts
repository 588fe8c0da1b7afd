import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Workshop, openWorkshop } from '../../../../lab/houses/delivery.ts'
import { policyFile } from '../../../../lab/world/policy-server.ts'
import { operatorDomain } from '../../decision/testing/policy.ts'
import type { Rejudgement } from '../../decision/rejudge.ts'
import { dayOf } from './session-counts.ts'
import { type Scene, enforce, openScene } from '../../../../lab/houses/protection.ts'
import { type TlsReportOptions, sendTlsReports } from './tls-reports.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: Scene[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** A scene in which a testing policy was not met once, a day ago. */
async function dayAfter(rua: string): Promise<{ readonly scene: Scene; readonly options: TlsReportOptions }> {
  const scene = await openScene(workshop, { policy: enforce.replace('enforce', 'testing'), names: ['other.example'] })
  open.push(scene)
  await scene.house.mail()
  await scene.house.empty()
  await scene.protections.counts.write()
  scene.dns.zone['_smtp._tls.dest.example'] = {
    TXT: [`v=TLSRPTv1; rua=${rua.replace('PORT', String(scene.policies.port))}`],
  }
  scene.house.world.ahead = 86_400_000 + 5 * 3_600_000
  const { house, store, authority, policies } = scene
  const options: TlsReportOptions = {
    admitOwn: house.admitOwn,
    // The house has no key for mail of its own: what is asked here is only whether there is one.
    rejudge: () => ({ kind: 'renewed' }) as Rejudgement,
    custody: house.custody,
    dns: scene.resolver,
    clock: { now: () => house.now() },
    log: quiet,
    hostname: operatorDomain,
    operatorDomain,
    store,
    reach: { dns: scene.resolver, port: policies.port, roots: [authority.pem] },
    kick: () => house.delivery.kick(),
  }
  return { scene, options }
}

const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet }
function nothing(): void {}

type Json = { readonly [key: string]: unknown }

function expectReport(json: Buffer, scene: Scene): void {
  const report = JSON.parse(json.toString('utf8')) as Json
  expect(report).toMatchObject({
    'organization-name': operatorDomain,
    'date-range': { 'start-datetime': `${dayOf(Date.now())}T00:00:00Z` },
    policies: [
      {
        policy: { 'policy-type': 'sts', 'policy-domain': 'dest.example', 'mx-host': ['mx.dest.example'] },
        summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 1 },
        'failure-details': [
          {
            'result-type': 'certificate-host-mismatch',
            'receiving-mx-hostname': 'mx.dest.example',
            'sending-mta-ip': '127.0.0.1',
            'receiving-ip': '127.0.0.1',
            'failed-session-count': 1,
          },
        ],
      },
    ],
  })
  expect(scene.receiver.taken.length).toBeGreaterThan(0)
}

it('a domain that asks by mail gets one report for a day, however often it is looked for', async () => {
  const { scene, options } = await dayAfter('mailto:tlsrpt@dest.example')
  await sendTlsReports(options)
  await sendTlsReports(options)
  await scene.house.empty()
  const reports = scene.receiver.taken.filter(({ message }) => message.includes('TLS-Report-Domain: dest.example'))
  expect(reports).toHaveLength(1)
  const mail = reports[0]?.message ?? ''
  expect(mail).toMatch(/^TLS-Report-Submitter: relay\.example\.net\r\n/m)
  expect(mail).toMatch(/^TLS-Required: No\r\n/m)
  const [, encoded = ''] = /application\/tlsrpt\+gzip[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(mail) ?? []
  expectReport(gunzipSync(Buffer.from(encoded, 'base64')), scene)
})

it('a domain that asks over HTTPS gets it there', async () => {
  const { scene, options } = await dayAfter('https://reports.dest.example:PORT/v1/tlsrpt')
  scene.policies.answer((_, response) => void response.writeHead(201).end())
  await sendTlsReports(options)
  await sendTlsReports(options)
  expect(scene.policies.posted).toHaveLength(1)
  expect(scene.policies.posted[0]).toMatchObject({ path: '/v1/tlsrpt', contentType: 'application/tlsrpt+gzip' })
  expectReport(gunzipSync(scene.policies.posted[0]?.body ?? Buffer.alloc(0)), scene)
})

it('what could not be sent is tried again later, and a domain that does not ask gets nothing', async () => {
  const { scene, options } = await dayAfter('https://reports.dest.example:PORT/')
  scene.policies.answer(policyFile(''))
  await sendTlsReports(options)
  await sendTlsReports(options)
  expect(scene.policies.posted).toHaveLength(1)
  delete scene.dns.zone['_smtp._tls.dest.example']
  scene.house.world.ahead += 700_000
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await sendTlsReports(options)
  expect(scene.policies.posted).toHaveLength(1)
  expect(await scene.store.selectFrom('tls_report').select('outcome').execute()).toEqual([
    { outcome: 'nobody asks for it' },
  ])
})

it('mail without a key for it waits', async () => {
  const { scene, options } = await dayAfter('mailto:tlsrpt@dest.example')
  await sendTlsReports({ ...options, rejudge: () => ({ kind: 'unsigned', because: 'no key' }) })
  expect(await scene.house.queue()).toEqual([])
  expect(await scene.store.selectFrom('tls_report').select('sent_at').execute()).toEqual([{ sent_at: null }])
})
