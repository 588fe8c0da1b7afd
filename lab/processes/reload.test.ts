import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Identity, createAuthority } from '../world/certificates.ts'
import { run } from '../world/product.ts'
import { SmtpClient } from '../world/smtp-client.ts'
import { type Instance, endInstances, entry, startInstance, until } from './instance.ts'

const directory = mkdtempSync(join(tmpdir(), 'anechoic-reload-'))
const configFile = join(directory, 'anechoic.yaml')
const policyFile = join(directory, 'policy.yaml')

type Changes = { readonly port?: number; readonly maxMessageBytes?: number; readonly more?: string }

function writeConfig({ port = 0, maxMessageBytes = 100_000, more = '' }: Changes = {}): void {
  writeFileSync(
    configFile,
    `hostname: relay.lab.example
dataDir: ./data
listeners: [{ name: upstream, port: ${port}, tls: { cert: ./cert.pem, key: ./key.pem } }]
control: { port: 0 }
dns: { servers: ["127.0.0.1:1"], timeoutMs: 100 }
limits: { maxMessageBytes: ${maxMessageBytes} }
policy: ./policy.yaml
${more}`,
  )
}

function writePolicy(source: string): void {
  writeFileSync(
    policyFile,
    `customers:
  - id: acme
    name: Acme
    domains: [{ name: acme.example, proof: asserted, approvedBy: admin@relay.example, reason: a test }]
    sources: [{ id: plant, kind: network, networks: [${source}/32] }]
    grants: [{ source: plant, domains: [acme.example], classes: [hosted], approvedBy: admin@acme.example, reason: a test }]
`,
  )
}

function writeIdentity({ cert, key }: Identity): void {
  writeFileSync(join(directory, 'cert.pem'), cert)
  writeFileSync(join(directory, 'key.pem'), key)
}

let instance: Instance
let identities: readonly Identity[]
beforeAll(async () => {
  const authority = await createAuthority('Reload Root')
  identities = [await authority.issue(['first.lab.example']), await authority.issue(['second.lab.example'])]
  writeIdentity(identities[0] as Identity)
  writeConfig()
  writePolicy('127.0.0.10')
  instance = startInstance({ config: configFile })
  await instance.ready
}, 60_000)
afterAll(async () => {
  await endInstances()
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => {
  writeConfig()
})

/** SIGHUP, and what standard error got of it, once it holds `words`. */
async function reload(words: string | RegExp): Promise<string> {
  const from = instance.said.err.length
  instance.signal('SIGHUP')
  const told = (): string => instance.said.err.slice(from)
  await until(() => new RegExp(words).test(told()), `${words} in the log`)
  return told()
}

function connect(from = '127.0.0.10'): Promise<SmtpClient> {
  return SmtpClient.open({ host: '127.0.0.1', port: instance.port('smtp'), from, greeting: 'client.example' })
}

async function sizeOffered(client: SmtpClient): Promise<string | undefined> {
  return /^SIZE (\d+)$/m.exec((await client.command('EHLO client.example')).text)?.[1]
}

test('errors in the configuration are told with their place, and the old one stays', async () => {
  const relay = await instance.find('relay')
  writeConfig({ more: 'colour: red\n' })
  const told = await reload('the one in force stays')
  expect(told).toContain(`${configFile}:8:1 colour: there is no such key\n`)
  writeConfig({ more: 'store: { url: "sqlite:./other.db" }\n' })
  expect(await reload('can not change')).toContain('store.url can not change while running')
  expect(await instance.find('relay')).toBe(relay)
})

test('a limit takes effect for sessions that open then; those that are open go on', async () => {
  const before = await connect()
  expect(await sizeOffered(before)).toBe('100000')
  writeConfig({ maxMessageBytes: 200_000 })
  await reload('configuration read again')
  await until(async () => (await sizeOffered(await connect())) === '200000', 'the new limit')
  expect(await before.command('NOOP')).toMatchObject({ code: 250 })
  await before.quit()
})

test('certificates are read again, and one that does not work leaves the old', async () => {
  const nameShown = async (): Promise<string> => {
    const client = await connect()
    await client.startTls()
    const name = client.serverName()
    await client.quit()
    return name
  }
  writeIdentity(identities[1] as Identity)
  await reload('configuration read again')
  await until(async () => (await nameShown()) === 'second.lab.example', 'the new certificate')
  writeFileSync(join(directory, 'key.pem'), 'no key')
  expect(await reload('not usable')).toMatch(/^\S+:\d+:\d+ listeners\.0\.tls\.cert: is not usable with its key: .+$/m)
  expect(await nameShown()).toBe('second.lab.example')
  writeIdentity(identities[1] as Identity)
})

test('the policy file is taken again: what it revokes is refused at once', async () => {
  const answered = async (): Promise<string> => {
    const client = await connect()
    const message = 'From: a@acme.example\r\n\r\nbody\r\n'
    const answer = await client.send({ mailFrom: 'a@acme.example', recipients: ['b@dest.example'], message })
    await client.quit()
    return /\[([a-z-]+)\]/.exec(answer.text)?.[1] ?? answer.text
  }
  // Granted: only the record of its key is not in DNS.
  expect(await answered()).toBe('key-not-ready')
  writePolicy('127.0.0.11')
  instance.signal('SIGHUP')
  await until(async () => (await answered()) === 'source-unproven', 'the new policy', 5_000)

  writeFileSync(policyFile, 'customers:\n  - { id: acme, name: Acme, colour: red }\n')
  expect(await reload('colour')).toMatch(/^\S+policy\.yaml:2:29 customers\.0\.colour: there is no such key$/m)
  expect(await answered()).toBe('source-unproven')
  writePolicy('127.0.0.10')
  instance.signal('SIGHUP')
  await until(async () => (await answered()) === 'key-not-ready', 'the first policy')
})

test('with a policy file the command line applies nothing, and says which file is the authority', async () => {
  const applied = await run([entry, 'apply', policyFile, '--config', configFile])
  expect(applied).toMatchObject({ code: 2, out: '' })
  expect(applied.err).toContain(policyFile)
  const shown = await run([entry, 'apply', policyFile, '--config', configFile, '--json'])
  expect(JSON.parse(shown.out)).toEqual({ kind: 'read-only', file: policyFile })
})

test(
  'what a process reads only once is taken up by new ones; a port that can not be had leaves the old configuration',
  { timeout: 60_000 },
  async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as { readonly port: number }
    const relay = await instance.find('relay')

    writeConfig({ port })
    const told = await reload('the one before is in force again')
    expect(told).toContain(`can not listen on smtp 127.0.0.1:${port}: another process has it\n`)
    await until(async () => (await connect().catch(() => null)) !== null, 'the old port')

    squatter.close()
    await once(squatter, 'close')
    await until(
      () =>
        fetch(`http://127.0.0.1:${instance.port('http')}/readyz`)
          .then(({ ok }) => ok)
          .catch(() => false),
      'all',
    )
    await reload(`"place":"127.0.0.1:${port}"`)
    expect(await instance.find('relay')).not.toBe(relay)
    const client = await SmtpClient.open({ host: '127.0.0.1', port, from: '127.0.0.1', greeting: 'client.example' })
    await client.quit()
    expect(instance.said.out.split('\n')).toHaveLength(4)
  },
)

test('a policy file with errors at the first start ends it, with all of them', { timeout: 60_000 }, async () => {
  const file = join(directory, 'other.yaml')
  writeFileSync(join(directory, 'bad-policy.yaml'), 'customers:\n  - { id: Acme, name: Acme, colour: red }\n')
  writeFileSync(
    file,
    'dataDir: ./other\nlisteners: [{ name: upstream, port: 0 }]\ncontrol: { port: 0 }\npolicy: ./bad-policy.yaml\n',
  )
  const other = startInstance({ config: file })
  expect(await other.ended).toBe(2)
  expect(other.said.out).toBe('')
  expect(other.said.err).toMatch(/^\S+bad-policy\.yaml:2:11 customers\.0\.id: must be .*$/m)
  expect(other.said.err).toMatch(/^\S+bad-policy\.yaml:2:29 customers\.0\.colour: there is no such key$/m)
})
