import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acme, addresses, spammer } from '../world/cast.ts'
import { type World, createWorld } from '../world/world.ts'
import { dkimpyIsThere, verifyWithDkimpy } from './dkimpy.ts'
import { type Postfix, postfixIsThere, startPostfix } from './postfix.ts'

const swaksIsThere = spawnSync('swaks', ['--support']).stdout?.includes('TLS supported') ?? false
const peersAreThere = postfixIsThere() && dkimpyIsThere() && swaksIsThere
// On CI the peers are installed by the run itself; elsewhere their absence is said and passed over.
const peers = peersAreThere || process.env['CI'] === 'true' ? test : test.skip
const postfixPort = 20_000 + (process.pid % 10_000)

let postfix: Postfix
let world: World
beforeAll(async () => {
  if (!peersAreThere) return
  postfix = await startPostfix({ port: postfixPort, domain: 'receiver.example' })
  world = await createWorld({ deliverTo: { host: '127.0.0.1', port: postfixPort } })
}, 90_000)
afterAll(async () => {
  if (!peersAreThere) return
  await world.close()
  postfix.stop()
})

/** Hands a message of a tenant to the relay with swaks, as Exchange Online would: its address, its certificate, its stamps. */
function swaks(options: {
  readonly from: string
  readonly mailFrom: string
  readonly to: string
  readonly tenant: string
  readonly originator: string
}): string {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-swaks-'))
  const { cert, key } = world.identities.provider
  writeFileSync(join(directory, 'cert.pem'), cert)
  writeFileSync(join(directory, 'key.pem'), key)
  const stamps = [
    `X-OriginatorOrg: ${options.originator}`,
    'X-MS-Exchange-CrossTenant-AuthAs: Internal',
    'X-MS-Exchange-CrossTenant-fromentityheader: Hosted',
    `X-MS-Exchange-CrossTenant-id: ${options.tenant}`,
    'x-ms-exchange-senderadcheck: 1',
  ]
  const session = ['--server', world.relay.host, '--port', String(world.relay.port)]
  const client = [
    '--local-interface',
    addresses.exchangeOnline,
    '--helo',
    'NAM12-BN8-obe.outbound.protection.outlook.com',
  ]
  const tls = ['--tls', '--tls-cert', join(directory, 'cert.pem'), '--tls-key', join(directory, 'key.pem')]
  const envelope = ['--from', options.mailFrom, '--to', options.to]
  const content = [
    '--h-From',
    options.from,
    '--h-Subject',
    'through the relay',
    '--body',
    'Hello from another program.',
  ]
  const stamped = stamps.flatMap((stamp) => ['--add-header', stamp])
  const done = spawnSync('swaks', [...session, ...client, ...tls, ...envelope, ...content, ...stamped])
  return `${done.stdout.toString()}${done.stderr.toString()}`
}

peers(
  'swaks to a real Postfix: authorised mail arrives with signatures that dkimpy passes',
  async () => {
    const said = swaks({
      from: 'Ann <ann@acme.example>',
      mailFrom: 'ann@acme.example',
      to: 'bob@receiver.example',
      tenant: acme.id,
      originator: 'acme.example',
    })
    expect(said).toMatch(/<~\s+250 2\.0\.0 \[accepted\]/)
    const [message] = await postfix.mailbox('bob@receiver.example', 1)
    expect(message).toBeDefined()
    const signatures = verifyWithDkimpy(
      Buffer.from((message ?? Buffer.alloc(0)).toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'),
      world.zone,
    )
    expect(signatures.map(({ domain, algorithm, pass }) => ({ domain, algorithm, pass }))).toEqual(
      expect.arrayContaining([
        { domain: 'acme.example', algorithm: 'rsa-sha256', pass: true },
        { domain: 'acme.example', algorithm: 'ed25519-sha256', pass: true },
      ]),
    )
    expect(message?.toString('latin1')).not.toMatch(/^x-(?:originatororg|ms-)/im)
  },
  60_000,
)

peers(
  'swaks as the spammer: refused by rule, and why tells it in words',
  async () => {
    const said = swaks({
      from: 'Acme Rewards <offers@acme.example>',
      mailFrom: 'x@jen19728669.onmicrosoft.com',
      to: 'victim@receiver.example',
      tenant: spammer.id,
      originator: 'jen19728669.onmicrosoft.com',
    })
    const refusal = /550 5\.7\.1 \[tenant-not-authorised\] .*\(([0-9a-z]{16})\)/.exec(said)
    expect(refusal, said).not.toBeNull()
    const why = await world.product.cli('why', refusal?.[1] ?? '')
    expect(why.code).toBe(0)
    expect(why.out).toContain('tenant-not-authorised')
    expect(why.out).toContain(spammer.id)
    expect(why.out).toContain('acme.example')
    const replayed = (await world.product.json('why', refusal?.[1] ?? '', '--replay')) as {
      readonly replay: { readonly same: boolean }
    }
    expect(replayed.replay.same).toBe(true)
    expect(await postfix.mailbox('victim@receiver.example', 1, 500)).toEqual([])
  },
  60_000,
)
