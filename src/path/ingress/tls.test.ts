import 'reflect-metadata'
import { constants, webcrypto } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { IpAddress } from '../../standards/names/ip.ts'
import type { Reply } from '../../standards/smtp/reply.ts'
import { TestClient } from './testing/client.ts'
import { certificateRequestIn, eavesdrop } from './testing/eavesdrop.ts'
import { AcceptingGate } from './testing/gate.ts'
import { type Scene, type Setting, closeListeners, openListener } from './testing/listener.ts'

let server: Issued
let root: Issued
let middle: Issued
let leaf: Issued

beforeAll(async () => {
  server = await selfSigned('relay.example')
  root = await selfSigned('root')
  middle = await root.issue('middle')
  leaf = await middle.issue('mail.protection.example', [x509.ExtendedKeyUsage.serverAuth])
})
afterEach(closeListeners)

function openTls(setting: Setting = {}): Promise<Scene> {
  return openListener({ ...setting, options: { tls: server, auth: true, ...setting.options } })
}

const message = 'Subject: x\r\n\r\nhello\r\n.\r\n'

describe('STARTTLS', () => {
  test('is offered in clear; AUTH and XOORG only behind it', async () => {
    const { connect } = await openTls()
    const client = await connect()
    client.raw('EHLO a\r\n')
    const before = (await client.reply()).lines
    expect(before).toContain('STARTTLS')
    expect(before.join()).not.toMatch(/AUTH|XOORG|CHUNKING/)
    await client.startTls()
    client.raw('EHLO a\r\n')
    const after = (await client.reply()).lines
    expect(after).toContain('AUTH PLAIN LOGIN')
    expect(after).toContain('XOORG')
    expect(after.join()).not.toMatch(/STARTTLS|CHUNKING/)
    expect(await client.say('STARTTLS')).toBe('503 5.5.1')
  })

  test('starts a new session: greeting, transaction and account are gone', async () => {
    const { connect } = await openTls()
    const client = await connect()
    await client.sayAll('EHLO before', 'MAIL FROM:<a@b.example>')
    await client.startTls()
    expect(await client.say('MAIL FROM:<a@b.example>')).toBe('503 5.5.1')
    expect(await client.say('EHLO after')).toBe('250')
    expect(await client.say('RCPT TO:<a@b.example>')).toBe('503 5.5.1')
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken, and its facts are recorded', async (version) => {
    const { connect, gate } = await openTls()
    const client = await connect()
    await client.say('EHLO a')
    await client.startTls({ minVersion: version, maxVersion: version })
    await client.sayAll('EHLO b', 'MAIL FROM:<> XOORG=contoso.example', 'RCPT TO:<a@b.example>', 'DATA')
    client.raw(message)
    expect(await client.code()).toBe('250 2.0.0')
    const { session, transaction } = gate.accepted[0] ?? {}
    expect(session?.greeting?.claimed).toBe('b')
    expect(session?.tls).toMatchObject({ protocol: version, clientChain: [] })
    expect(session?.tls?.cipher).toMatch(/^TLS_/)
    expect(transaction?.parameters.xoorg).toEqual({ claimed: 'contoso.example', where: 'envelope' })
  })

  test('octets behind it are refused, not carried over', async () => {
    const { connect, gate } = await openTls()
    const client = await connect()
    await client.say('EHLO a')
    client.raw('STARTTLS\r\nMAIL FROM:<injected@b.example>\r\n')
    expect(await client.code()).toBe('503 5.5.1')
    await client.closed()
    expect(gate.mails).toEqual([])
  })

  test('before EHLO, or with an argument, is refused', async () => {
    const { connect } = await openTls()
    const client = await connect()
    expect(await client.sayAll('STARTTLS', 'EHLO a', 'STARTTLS x', 'HELO a', 'STARTTLS')).toEqual([
      '503 5.5.1',
      '250',
      '501 5.5.4',
      '250',
      '503 5.5.1',
    ])
  })

  test('what is no handshake, and a handshake that never comes, end the session', async () => {
    const { connect, options } = await openTls({ limits: { idleTimeoutSeconds: 0.3 } })
    const garbage = await connect()
    await garbage.sayAll('EHLO a', 'STARTTLS')
    garbage.raw('EHLO again\r\n\r\n\r\n')
    const silent = await connect()
    await silent.sayAll('EHLO a', 'STARTTLS')
    const leaving = await connect()
    await leaving.sayAll('EHLO a', 'STARTTLS')
    leaving.socket.resetAndDestroy()
    await expect.poll(() => options.budget.connections.total).toBe(0)
  })

  test('octets behind it that come while we are busy are refused as well', async () => {
    let release = (): void => {}
    class Slow extends AcceptingGate {
      override async onMail(...args: Parameters<AcceptingGate['onMail']>): Promise<Reply | null> {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return await super.onMail(...args)
      }
    }
    const gate = new Slow()
    const { connect } = await openTls({ gate })
    const client = await connect()
    await client.say('EHLO a')
    await client.drip('MAIL FROM:<first@b.example>\r\nSTARTTLS\r\nRSET\r\nMAIL FROM:<injected@b.example>\r\n')
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
    release()
    expect([await client.code(), await client.code()]).toEqual(['250 2.1.0', '503 5.5.1'])
    await client.closed()
    expect(gate.mails.length).toBe(1)
  })

  test('a stop does not wait for handshakes', async () => {
    const { connect, listener } = await openTls()
    const client = await connect()
    await client.sayAll('EHLO a', 'STARTTLS')
    const started = performance.now()
    await listener.close(5000)
    expect(performance.now() - started).toBeLessThan(500)
  })

  test('TLS 1.1 is refused', async () => {
    const { connect, options } = await openTls()
    const client = await connect()
    await client.say('EHLO a')
    await expect(
      client.startTls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
    ).rejects.toThrow()
    await expect.poll(() => options.budget.connections.total).toBe(0)
  })

  test('requireTls answers 530 until then', async () => {
    const { connect } = await openTls({ options: { requireTls: true } })
    const client = await connect()
    expect(await client.sayAll('EHLO a', 'MAIL FROM:<>', 'VRFY a', 'AUTH PLAIN')).toEqual([
      '250',
      '530 5.7.0',
      '530 5.7.0',
      '530 5.7.0',
    ])
    await client.startTls()
    expect(await client.sayAll('EHLO a', 'MAIL FROM:<>')).toEqual(['250', '250 2.1.0'])
  })
})

describe('the client certificate', () => {
  const presented = async (cert: string, key: string, version: 'TLSv1.2' | 'TLSv1.3'): Promise<readonly Buffer[]> => {
    const { connect, gate } = await openTls()
    const client = await connect()
    await client.say('EHLO a')
    await client.startTls({ cert, key, minVersion: version, maxVersion: version })
    await client.sayAll('EHLO b', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'DATA')
    client.raw(message)
    await client.code()
    return gate.accepted[0]?.session.tls?.clientChain ?? []
  }

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('comes with its whole chain, leaf first, over %s', async (version) => {
    expect(await presented(leaf.cert + middle.cert, leaf.key, version)).toEqual([leaf.der, middle.der])
    expect(await presented(leaf.cert + middle.cert + root.cert, leaf.key, version)).toEqual([
      leaf.der,
      middle.der,
      root.der,
    ])
    expect(await presented(leaf.cert, leaf.key, version)).toEqual([leaf.der])
  })

  test('may be self-signed: nothing is verified here', async () => {
    expect(await presented(root.cert, root.key, 'TLSv1.3')).toEqual([root.der])
  })

  test('is asked for without naming an authority', async () => {
    const { listener } = await openTls()
    const between = await eavesdrop(listener.port)
    const client = await TestClient.connect(between.port)
    await client.code()
    await client.say('EHLO a')
    const clear = between.heard().length
    await client.startTls({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    const handshake = between.heard().subarray(clear + '220 2.0.0 go ahead with TLS\r\n'.length)
    expect(certificateRequestIn(handshake)).toEqual({ authorities: Buffer.alloc(0) })
    client.destroy()
    between.close()
  })
})

describe('resumption', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is impossible in %s: a resumed session would lose its chain',
    async (version) => {
      const { connect } = await openTls()
      const sessions: Buffer[] = []
      const secured = async (session?: Buffer): Promise<TLSSocket> => {
        const client = await connect()
        await client.say('EHLO a')
        // Session ids are a client's other way to ask; without the flag a TLS 1.2 client would only try tickets.
        const socket = await client.startTls({
          minVersion: version,
          maxVersion: version,
          cert: leaf.cert,
          key: leaf.key,
          secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
          ...(session === undefined ? {} : { session }),
        })
        socket.on('session', (one: Buffer) => sessions.push(one))
        await client.sayAll('EHLO a', 'NOOP', 'NOOP')
        const own = socket.getSession()
        if (own !== undefined) sessions.push(own)
        return socket
      }
      expect((await secured()).isSessionReused()).toBe(false)
      expect(sessions.length).toBeGreaterThan(0)
      for (const session of sessions.slice()) expect((await secured(session)).isSessionReused()).toBe(false)
    },
  )
})

describe('AUTH', () => {
  const response = (username: string, password: string): string =>
    Buffer.from(`\0${username}\0${password}`).toString('base64')
  const right = response('crm@acme', 'right')
  const wrong = response('crm@acme', 'wrong')

  async function secured(setting: Setting = {}): Promise<Scene & { client: Awaited<ReturnType<Scene['connect']>> }> {
    const scene = await openTls(setting)
    const client = await scene.connect()
    await client.say('EHLO a')
    await client.startTls()
    await client.say('EHLO a')
    return { ...scene, client }
  }

  test('with an initial response, and after 334', async () => {
    for (const lines of [[`AUTH PLAIN ${right}`], ['AUTH PLAIN', right]]) {
      const { client, gate } = await secured()
      expect((await client.sayAll(...lines)).at(-1)).toBe('235 2.7.0')
      expect(await client.say(`AUTH PLAIN ${right}`)).toBe('503 5.5.1')
      await client.sayAll('EHLO again', 'MAIL FROM:<> AUTH=<>', 'RCPT TO:<a@b.example>', 'DATA')
      client.raw(message)
      expect(await client.code()).toBe('250 2.0.0')
      expect(gate.accepted[0]?.session.account).toBe('crm@acme')
      expect(gate.accepted[0]?.transaction.parameters.auth).toBe('<>')
    }
  })

  test('by LOGIN, with an initial response and without, cancelled and malformed', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    for (const lines of [
      [`AUTH LOGIN ${base64('crm@acme')}`, base64('right')],
      ['AUTH LOGIN', base64('crm@acme'), base64('right')],
    ]) {
      const { client } = await secured()
      expect((await client.sayAll(...lines)).at(-1)).toBe('235 2.7.0')
      expect(await client.say('AUTH LOGIN')).toBe('503 5.5.1')
    }
    const { client, log } = await secured()
    const user = base64('crm@acme')
    expect(await client.sayAll('AUTH LOGIN', '*', 'AUTH LOGIN', user, '*', `AUTH LOGIN ${user}`, '%%%')).toEqual([
      '334',
      '501 5.7.0',
      '334',
      '334',
      '501 5.7.0',
      '334',
      '501 5.5.2',
    ])
    expect(await client.sayAll('AUTH LOGIN', user, base64('wrong'), 'NOOP')).toEqual([
      '334',
      '334',
      '535 5.7.8',
      '250 2.0.0',
    ])
    expect(log.join('\n')).not.toMatch(/crm@acme|wrong|d3Jvbmc/)
  })

  test('in clear it is refused before a password is said', async () => {
    const { connect, gate } = await openTls()
    const client = await connect()
    expect(await client.sayAll('EHLO a', 'AUTH PLAIN', `AUTH PLAIN ${right}`)).toEqual([
      '250',
      '538 5.7.11',
      '538 5.7.11',
    ])
    expect(gate.accepted).toEqual([])
  })

  test('other mechanisms, other times and other syntax', async () => {
    const { client } = await secured()
    expect(
      await client.sayAll(
        'AUTH CRAM-MD5',
        'AUTH PLAIN =',
        'AUTH PLAIN %%%',
        'AUTH PLAIN',
        '*',
        'MAIL FROM:<>',
        'AUTH PLAIN',
      ),
    ).toEqual(['504 5.5.4', '501 5.5.2', '501 5.5.2', '334', '501 5.7.0', '250 2.1.0', '503 5.5.1'])
  })

  test('failures are counted, delayed and end the session', async () => {
    const { client, options } = await secured({ patience: { authFailureDelayMs: 60 } })
    const started = performance.now()
    expect(await client.sayAll(`AUTH PLAIN ${wrong}`, 'AUTH PLAIN', wrong, `AUTH PLAIN ${wrong}`)).toEqual([
      '535 5.7.8',
      '334',
      '535 5.7.8',
      '535 5.7.8',
    ])
    expect(performance.now() - started).toBeGreaterThan(300)
    await client.closed()
    await expect.poll(() => options.budget.connections.total).toBe(0)
  })

  test('a client that keeps guessing over many sessions is barred', async () => {
    const { client, options } = await secured()
    const address = '127.0.0.1' as IpAddress
    for (let count = 0; count < 30; count++) options.budget.authFailures.record(address)
    expect(await client.say(`AUTH PLAIN ${right}`)).toBe('421 4.7.0')
    await client.closed()
  })

  test('nothing of it is logged', async () => {
    const { client, log } = await secured()
    await client.sayAll(`AUTH PLAIN ${wrong}`, 'AUTH PLAIN', wrong)
    expect(log.join('\n')).toContain('authentication failed')
    expect(log.join('\n')).not.toMatch(new RegExp(`${wrong.slice(0, 10)}|wrong|crm@acme`))
  })

  test('a response longer than RFC 4954 allows', async () => {
    const { client } = await secured()
    expect(await client.sayAll('AUTH PLAIN', 'A'.repeat(12_300), 'NOOP')).toEqual(['334', '500 5.5.6', '250 2.0.0'])
  })
})

type Pair = { readonly cert: string; readonly key: string }

/** A certificate with its key, and the power to sign others with it. */
type Issued = Pair & {
  readonly der: Buffer
  readonly issue: (name: string, usages?: readonly x509.ExtendedKeyUsage[]) => Promise<Issued>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

function selfSigned(name: string): Promise<Issued> {
  return issued(name, null, [])
}

async function issued(
  name: string,
  issuer: { readonly subject: string; readonly key: webcrypto.CryptoKey } | null,
  usages: readonly x509.ExtendedKeyUsage[],
): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const subject = `CN=${name}`
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    publicKey: keys.publicKey,
    signingKey: issuer?.key ?? keys.privateKey,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
    signingAlgorithm: algorithm,
    extensions:
      usages.length === 0
        ? [new x509.BasicConstraintsExtension(true, undefined, true)]
        : [new x509.ExtendedKeyUsageExtension([...usages])],
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    der: Buffer.from(certificate.rawData),
    issue: (child, childUsages = []) => issued(child, { subject, key: keys.privateKey }, childUsages),
  }
}
