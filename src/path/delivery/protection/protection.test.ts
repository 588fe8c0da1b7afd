import { X509Certificate, hash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Workshop, openWorkshop } from '../../../../lab/houses/delivery.ts'
import { usualExtensions } from '../../../../lab/peers/scripted-receiver.ts'
import { createAuthority } from '../../../../lab/world/certificates.ts'
import { policyFile } from '../../../../lab/world/policy-server.ts'
import { type Scene, type SceneOptions, enforce, openScene } from '../../../../lab/houses/protection.ts'

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const open: Scene[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function scene(options: SceneOptions = {}): Promise<Scene> {
  const opened = await openScene(workshop, options)
  open.push(opened)
  return opened
}

/** Sends a message and answers what the first attempt came to. */
async function firstAnswer({ house }: Scene, letter: Parameters<Scene['house']['mail']>[0] = {}): Promise<string> {
  await house.mail(letter)
  const deadline = Date.now() + 5000
  for (;;) {
    const told = (await house.events()).find((one) => ['delivered', 'deferred', 'failed'].includes(one.kind))
    if (told !== undefined) return `${told.kind} ${String(told.detail['reply'])}`
    if (Date.now() > deadline) throw new Error('nothing came of it')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const spki = (pem: string): string =>
  hash('sha256', new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }), 'hex')
const whole = (pem: string): string => hash('sha256', new X509Certificate(pem).raw, 'hex')

describe('an MTA-STS policy that is enforced', () => {
  it('is met by a listed server whose certificate names it, and looked up once', async () => {
    const one = await scene({ policy: enforce })
    expect(await firstAnswer(one)).toMatch(/^delivered/)
    await one.house.mail()
    await one.house.empty()
    expect(one.receiver.taken.every(({ encrypted }) => encrypted)).toBe(true)
    expect(one.policies.asked).toEqual(['GET mta-sts.dest.example/.well-known/mta-sts.txt'])
  })

  it.each<readonly [string, SceneOptions, RegExp]>([
    [
      'a certificate for somebody else',
      { names: ['other.example'] },
      /4\.7\.5 the MTA-STS policy of dest\.example wants a certificate for mx\.dest\.example, but the certificate names other\.example/,
    ],
    ['an old certificate', { notAfter: new Date(Date.now() - 1000) }, /4\.7\.5 .*has expired/],
    [
      'no TLS',
      { tls: null },
      /4\.7\.4 the server offers no encryption, which the MTA-STS policy of dest\.example requires/,
    ],
    [
      'a server that it does not list',
      { policy: enforce.replace('mx.dest', '*.mx.dest') },
      /4\.7\.5 the MTA-STS policy of dest\.example does not name the mail server mx\.dest\.example/,
    ],
  ])('keeps mail from %s', async (_, options, expected) => {
    const one = await scene({ policy: enforce, ...options })
    expect(await firstAnswer(one)).toMatch(expected)
    expect(one.receiver.taken).toEqual([])
  })

  it('keeps mail from a server whose authority is nobody that we believe', async () => {
    const one = await scene({ policy: enforce, issuer: await createAuthority('A Stranger') })
    expect(await firstAnswer(one)).toMatch(/^deferred 4\.7\.5 .*no authority that we believe vouches for it/)
    expect(one.receiver.taken).toEqual([])
  })

  it('bounces at the end, with its reason in the report', async () => {
    const one = await scene({
      policy: enforce,
      tls: null,
      house: { settings: { retry: { first: 20, factor: 1, max: 20, giveUpAfter: 60 } } },
    })
    await one.house.mail()
    const deadline = Date.now() + 5000
    while ((await one.house.events('dsn')).length === 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10))
    const [failed] = await one.house.events('failed')
    expect(failed?.detail['reply']).toMatch(/^5\.4\.7 given up .*MTA-STS policy of dest\.example requires/)
  })

  it('holds over restarts, and while neither its record nor its server can be had', async () => {
    const first = await scene({ policy: enforce, tls: null })
    await firstAnswer(first)
    const again = await scene({ policy: enforce, tls: null, directory: first.directory })
    delete again.dns.zone['_mta-sts.dest.example']
    expect(await firstAnswer(again)).toMatch(/^deferred 4\.7\.4/)
    expect(again.policies.asked).toEqual([])
  })

  it('is over at the end of its life', async () => {
    const first = await scene({ policy: enforce.replace('86400', '1'), tls: null })
    await firstAnswer(first)
    first.policies.answer(policyFile('gone'))
    first.house.world.ahead = 120_000
    first.house.delivery.kick()
    await first.house.empty()
    expect(first.receiver.taken).toHaveLength(1)
  })
})

describe('an MTA-STS policy', () => {
  it('in testing mode is only told of', async () => {
    const one = await scene({ policy: enforce.replace('enforce', 'testing'), names: ['other.example'] })
    expect(await firstAnswer(one)).toMatch(/^delivered/)
    await one.protections.counts.write()
    expect(await one.store.selectFrom('tls_session').selectAll().execute()).toMatchObject([
      {
        domain: 'dest.example',
        policy_type: 'sts',
        result: 'certificate-host-mismatch',
        mx: 'mx.dest.example',
        sessions: 1,
      },
    ])
  })

  it('that cannot be had protects nothing, and is told of', async () => {
    for (const answer of [
      policyFile('version: STSv1\nmode: enforce\n'),
      ((_, response) =>
        void response.writeHead(302, { location: 'https://elsewhere.example/' }).end()) satisfies ReturnType<
        typeof policyFile
      >,
      ((_, response) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end(enforce)) satisfies ReturnType<
        typeof policyFile
      >,
      ((_, response) =>
        void response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(70_000))) satisfies ReturnType<
        typeof policyFile
      >,
    ]) {
      const one = await scene({ policy: enforce, tls: null })
      one.policies.answer(answer)
      expect(await firstAnswer(one)).toMatch(/^delivered/)
      await one.protections.counts.write()
      const [row] = await one.store.selectFrom('tls_session').selectAll().execute()
      expect(row).toMatchObject({ policy_type: 'sts', sessions: 1 })
    }
  })

  it('does not bind mail that says TLS-Required: No', async () => {
    const one = await scene({ policy: enforce, names: ['other.example'] })
    const header =
      'From: Alice <alice@acme.example>\r\nTo: bob@dest.example\r\nSubject: hello\r\nTLS-Required: No\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\n'
    expect(await firstAnswer(one, { header })).toMatch(/^delivered/)
    expect(one.receiver.taken[0]?.encrypted).toBe(true)
    expect(one.receiver.taken[0]?.message).toContain('TLS-Required: No')
  })
})

describe('TLSA records', () => {
  it('of the certificate or of its authority are enough, whatever the rest of the world thinks of it', async () => {
    const stranger = await createAuthority('A Stranger')
    for (const tlsa of [
      (leaf: string) => [`3 1 1 ${spki(leaf)}`],
      () => [`2 0 1 ${whole(stranger.pem)}`],
      (leaf: string) => [`3 1 1 ${'00'.repeat(32)}`, `3 0 1 ${whole(leaf)}`],
    ]) {
      const one = await scene({ authentic: true, issuer: stranger, tlsa })
      expect(await firstAnswer(one)).toMatch(/^delivered/)
      expect(one.receiver.taken[0]?.encrypted).toBe(true)
    }
  })

  it('beat an MTA-STS policy', async () => {
    const one = await scene({ authentic: true, policy: enforce, tlsa: () => [`3 1 1 ${'00'.repeat(32)}`] })
    expect(await firstAnswer(one)).toMatch(
      /^deferred 4\.7\.5 the TLSA records of mx\.dest\.example \(DANE\) are not met/,
    )
    expect(one.policies.asked).toEqual([])
  })

  it('that nobody can use ask for encryption alone', async () => {
    const tlsa = () => [`1 1 1 ${'00'.repeat(32)}`]
    expect(await firstAnswer(await scene({ authentic: true, tlsa, names: ['other.example'] }))).toMatch(/^delivered/)
    expect(await firstAnswer(await scene({ authentic: true, tlsa, tls: null }))).toMatch(
      /^deferred 4\.7\.4 .*a TLSA record \(DANE\) requires/,
    )
  })

  it('are not looked at where answers do not bear the AD bit', async () => {
    const one = await scene({ tlsa: () => [`3 1 1 ${'00'.repeat(32)}`] })
    expect(await firstAnswer(one)).toMatch(/^delivered/)
  })

  it('that DNS does not hand out defer the mail', async () => {
    const one = await scene({ authentic: true })
    one.dns.zone[`_${one.receiver.port}._tcp.mx.dest.example`] = { otherwise: 'SERVFAIL' }
    expect(await firstAnswer(one)).toMatch(/^deferred 4\.7\.5 the TLSA records .* cannot be had/)
    expect(one.receiver.taken).toEqual([])
  })
})

describe('REQUIRETLS', () => {
  const requireTls = { envelope: { requireTls: true as const } }
  const script = { extensions: [...usualExtensions, 'REQUIRETLS'] }

  it('is passed on to a server that offers it and proves itself', async () => {
    const one = await scene({ policy: enforce, script })
    expect(await firstAnswer(one, requireTls)).toMatch(/^delivered/)
    expect(one.receiver.commands.find((line) => line.startsWith('MAIL'))).toContain(' REQUIRETLS')
  })

  it.each<readonly [string, SceneOptions, string]>([
    ['does not offer it', { policy: enforce }, '5.7.30'],
    ['offers no encryption', { script, tls: null }, '5.7.30'],
    ['does not prove itself', { script, names: ['other.example'] }, '5.7.10'],
    ['nobody proves to be one of the domain', { script }, '5.7.10'],
  ])('fails at a server that %s', async (_, options, status) => {
    const one = await scene(options)
    expect(await firstAnswer(one, requireTls)).toMatch(new RegExp(`^failed ${status} .*REQUIRETLS`))
    expect(one.receiver.taken).toEqual([])
  })
})
