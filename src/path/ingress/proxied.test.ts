import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Network, parseNetwork } from '../../standards/names/ip.ts'
import { TestClient } from './testing/client.ts'
import { type Scene, type Setting, closeListeners, openListener } from './testing/listener.ts'

const proxies = [parseNetwork('127.0.0.0/30') as Network]
const first = 'PROXY TCP4 192.0.2.9 198.51.100.1 4711 25\r\n'
/** 198.51.100.7, port 7. */
const second = Buffer.from('0d0a0d0a000d0a515549540a2111000cc6336407c633640100070019', 'hex')
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
const message = 'From: a@acme.example\r\n\r\nbody\r\n.\r\n'

let clients: TestClient[]
beforeEach(() => {
  clients = []
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  await closeListeners()
})

function openBehind(setting: Setting = {}): Promise<Scene> {
  return openListener({ ...setting, options: { proxyProtocolFrom: proxies } })
}

async function connectTo(scene: Scene): Promise<TestClient> {
  const client = await TestClient.connect(scene.listener.port)
  clients.push(client)
  return client
}

async function sendMail(client: TestClient): Promise<void> {
  await client.sayAll('EHLO a', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'DATA')
  client.raw(message)
  expect(await client.code()).toBe('250 2.0.0')
}

test.each([
  ['version 1', first, { address: '192.0.2.9', port: 4711 }],
  ['version 2', second, { address: '198.51.100.7', port: 7 }],
])('%s: the client is who the header names, and is greeted only then', async (_what, header, expected) => {
  const scene = await openBehind()
  const client = await connectTo(scene)
  await client.drip(header)
  expect(await client.code()).toBe('220')
  await sendMail(client)
  expect(scene.gate.accepted[0]?.session.client).toEqual(expected)
})

test('what follows the header in one segment is the client speaking', async () => {
  const scene = await openBehind()
  const client = await connectTo(scene)
  client.raw(Buffer.concat([second, Buffer.from('EHLO a\r\n')]))
  expect([await client.code(), await client.code()]).toEqual(['220', '250'])
})

test('a proxy that speaks for itself is served as what it is', async () => {
  const scene = await openBehind()
  const client = await connectTo(scene)
  client.raw(local)
  expect(await client.code()).toBe('220')
  await sendMail(client)
  expect(scene.gate.accepted[0]?.session.client.address).toBe('127.0.0.1')
})

test('a proxy that does not say for whom it connects hears nothing', async () => {
  const scene = await openBehind()
  for (const opening of ['EHLO a\r\n', 'PROXY TCP4 192.0.2.9\r\n']) {
    const client = await connectTo(scene)
    client.raw(opening)
    await client.closed()
    expect(client.pending).toEqual([])
  }
  expect(scene.log.join('\n')).toContain('a proxy was not understood')
  await expect.poll(() => scene.options.budget.connections.total).toBe(0)
})

test('one that says nothing is left', async () => {
  const scene = await openBehind({ limits: { idleTimeoutSeconds: 0.1 } })
  await (await connectTo(scene)).closed()
  await expect.poll(() => scene.options.budget.connections.total).toBe(0)
})

test('from anybody else the header is no command', async () => {
  const scene = await openListener()
  const client = await scene.connect()
  expect(await client.say(first.trimEnd())).toMatch(/^500 /)
})

test('connections are counted for the client and not for its proxy', async () => {
  const scene = await openBehind({ budget: { maxConnectionsPerClient: 1 } })
  const open = async (header: string | Buffer): Promise<string> => {
    const client = await connectTo(scene)
    client.raw(header)
    return client.code()
  }
  expect([await open(first), await open(second), await open(first)]).toEqual(['220', '220', '421 4.3.2'])
  for (const client of clients) client.destroy()
  await expect.poll(() => scene.options.budget.connections.total).toBe(0)
  expect(await open(first)).toBe('220')
})

test('a stop does not wait for a header', async () => {
  const scene = await openBehind()
  const client = await connectTo(scene)
  await expect.poll(() => scene.options.budget.connections.total).toBe(1)
  await scene.listener.close(60_000)
  await client.closed()
})
