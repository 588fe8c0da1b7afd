import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAuthority } from '../../lab/world/certificates.ts'
import { type Config, isConfigProblems } from './config.ts'
import { findConfig, loadConfig } from './load.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const surroundings = () => ({ directory, machineName: 'relay.example.net', opensFiles: false })

function load(text: string, environment = {}): Config {
  writeFileSync(join(directory, 'a.yaml'), text)
  const loaded = loadConfig('a.yaml', environment, surroundings())
  if (isConfigProblems(loaded)) throw new Error(loaded.problems.join('\n'))
  return loaded
}

function problems(text: string, environment = {}): readonly string[] {
  writeFileSync(join(directory, 'a.yaml'), text)
  const loaded = loadConfig('a.yaml', environment, surroundings())
  return isConfigProblems(loaded) ? loaded.problems : []
}

describe('without a file', () => {
  test('the defaults of the contract hold, below the working directory', () => {
    const config = loadConfig(null, {}, surroundings()) as Config
    expect(config).toMatchObject({
      file: null,
      hostname: 'relay.example.net',
      operator: { domain: 'relay.example.net' },
      dataDir: join(directory, 'data'),
      listeners: [
        { name: 'upstream', role: 'relay', host: '127.0.0.1', port: 2525, tls: null, requireTls: false, auth: false },
      ],
      control: { host: '127.0.0.1', port: 8025, publicUrl: 'http://127.0.0.1:8025', tls: null, trustProxyFrom: [] },
      store: { url: `sqlite:${join(directory, 'data/anechoic.db')}` },
      workers: 1,
      keys: {
        wrapping: `file:${join(directory, 'data/wrapping.key')}`,
        zone: 'dkim.relay.example.net',
        rotateAfter: null,
      },
      dns: { servers: [], timeoutMs: 3000 },
      limits: { maxMessageBytes: 52428800, maxHeaderBytes: 262144, maxHeaderFields: 1000, maxRecipients: 500 },
      providers: {
        m365: {
          networks: null,
          clientCertificate: { required: true, names: ['mail.protection.outlook.com'], ca: 'system' },
          fcrdns: 'off',
          login: 'https://login.microsoftonline.com',
        },
        google: { networks: null },
      },
      delivery: {
        routes: [],
        port: 25,
        sourceAddresses: [],
        pools: [],
        retry: { first: 60_000, factor: 2, max: 14_400_000, giveUpAfter: 432_000_000 },
      },
      policy: null,
      feedback: { addresses: [] },
      proof: { grace: 3 * 86_400_000 },
      retention: { ledger: 400 * 86_400_000, subjects: 30 * 86_400_000, heldBodies: 14 * 86_400_000 },
      log: { level: 'info', format: 'json' },
    })
    expect(config.limits).toMatchObject({
      maxConnections: 2000,
      maxConnectionsPerClient: 100,
      idleTimeoutSeconds: 300,
      bytesInFlight: 536870912,
    })
  })

  test('a machine whose name is no domain name is localhost', () => {
    expect(loadConfig(null, {}, { ...surroundings(), machineName: 'my_host!' })).toMatchObject({
      hostname: 'localhost',
    })
    expect(isConfigProblems(loadConfig(null, {}))).toBe(false)
  })

  test('./anechoic.yaml is found where it is', () => {
    expect(findConfig(null, directory)).toBeNull()
    expect(findConfig('other.yaml', directory)).toBe('other.yaml')
    writeFileSync(join(directory, 'anechoic.yaml'), '')
    expect(findConfig(null, directory)).toBe(join(directory, 'anechoic.yaml'))
  })
})

describe('with a file', () => {
  test('an empty one is the defaults, and the result is frozen all through', () => {
    const config = load('# nothing\n')
    expect(config.listeners[0]?.port).toBe(2525)
    expect(() => Object.assign(config.listeners[0] ?? {}, { port: 1 })).toThrow('read only')
    expect(() => Object.assign(config.delivery.retry, { max: 1 })).toThrow('read only')
  })

  test('a partial object keeps the other defaults', () => {
    const config = load('limits: { maxRecipients: 7 }\ndelivery: { retry: { max: 8h } }\n')
    expect(config.limits).toMatchObject({ maxRecipients: 7, maxMessageBytes: 52428800 })
    expect(config.delivery.retry).toEqual({ first: 60_000, factor: 2, max: 28_800_000, giveUpAfter: 432_000_000 })
  })

  test('the example of the contract, as far as this version goes', () => {
    const config = load(`
hostname: relay.example.net
operator: { domain: mail.example.net }
dataDir: ./data
listeners:
  - { name: upstream, role: relay, host: 127.0.0.1, port: 2525, tls: { cert: ./tls/cert.pem, key: ./tls/key.pem }, requireTls: false, auth: true, proxyProtocolFrom: [] }
control: { host: 127.0.0.1, port: 8025, publicUrl: "http://127.0.0.1:8025", tls: null, trustProxyFrom: [] }
store: { url: "sqlite:./data/anechoic.db" }
workers: 1
keys: { wrapping: "file:./data/wrapping.key" }
dns: { servers: ["127.0.0.1:5353"], timeoutMs: 3000 }
providers:
  m365:
    networks: [127.0.0.2]
    clientCertificate: { required: true, names: [mail.protection.outlook.com], ca: ./ca.pem }
    fcrdns: off
delivery:
  routes: [{ domain: "*", host: 127.0.0.1, port: 2526, tls: opportunistic }]
policy: ./policy.yaml
feedback: { addresses: ["dmarc@reports.example.net"] }
`)
    expect(config.operator.domain).toBe('mail.example.net')
    expect(config.listeners[0]?.tls).toEqual({
      cert: join(directory, 'tls/cert.pem'),
      key: join(directory, 'tls/key.pem'),
    })
    expect(config.store.url).toBe(`sqlite:${join(directory, 'data/anechoic.db')}`)
    expect(config.keys.wrapping).toBe(`file:${join(directory, 'data/wrapping.key')}`)
    expect(config.providers.m365.networks).toEqual([{ address: '127.0.0.2', prefix: 32 }])
    expect(config.providers.m365.clientCertificate.ca).toBe(join(directory, 'ca.pem'))
    expect(config.delivery.routes).toEqual([
      { domain: '*', host: '127.0.0.1', port: 2526, tls: 'opportunistic', tlsCa: null },
    ])
    expect(config.policy).toBe(join(directory, 'policy.yaml'))
  })

  test('relative paths start at the directory of the file, wherever it is called from', () => {
    mkdirSync(join(directory, 'etc'))
    writeFileSync(join(directory, 'etc/a.yaml'), 'dataDir: ../var\n')
    expect(loadConfig('etc/a.yaml', {}, surroundings())).toMatchObject({
      dataDir: join(directory, 'var'),
      store: { url: `sqlite:${join(directory, 'var/anechoic.db')}` },
      keys: { wrapping: `file:${join(directory, 'var/wrapping.key')}` },
    })
  })

  test('one that cannot be read is a problem', () => {
    expect(loadConfig('absent.yaml', {}, surroundings())).toEqual({
      problems: [expect.stringMatching(/^absent\.yaml:1:1 cannot be read: ENOENT/)],
    })
  })

  test('publicUrl follows host, port and tls, and loses a slash at its end', () => {
    expect(load('control: { port: 9000 }').control.publicUrl).toBe('http://127.0.0.1:9000')
    expect(load('control: { host: "::", tls: { cert: c, key: k } }').control.publicUrl).toBe('https://[::]:8025')
    expect(load('control: { publicUrl: "https://console.example.net/" }').control.publicUrl).toBe(
      'https://console.example.net',
    )
  })
})

describe('the files that it names', () => {
  const told = (text: string): readonly string[] => {
    writeFileSync(join(directory, 'a.yaml'), text)
    const loaded = loadConfig('a.yaml', {}, { ...surroundings(), opensFiles: true })
    return isConfigProblems(loaded) ? loaded.problems : []
  }
  const text = `listeners:
  - { name: in, port: 0, tls: { cert: cert.pem, key: key.pem } }
providers: { m365: { clientCertificate: { ca: ca.pem } } }
`

  test('are each a problem when they are not there, at their place', () => {
    expect(told(text)).toEqual([
      expect.stringMatching(/^a\.yaml:2:39 listeners\.0\.tls\.cert: cannot be read: ENOENT/),
      expect.stringMatching(/^a\.yaml:2:54 listeners\.0\.tls\.key: cannot be read: ENOENT/),
      expect.stringMatching(/^a\.yaml:3:47 providers\.m365\.clientCertificate\.ca: cannot be read: ENOENT/),
    ])
  })

  test('are a problem when a key is not that of its certificate, or there is no certificate', async () => {
    const authority = await createAuthority('Test CA')
    const [one, other] = [await authority.issue(['one.example']), await authority.issue(['two.example'])]
    writeFileSync(join(directory, 'cert.pem'), one.cert)
    writeFileSync(join(directory, 'key.pem'), other.key)
    writeFileSync(join(directory, 'ca.pem'), 'no certificate')
    expect(told(text)).toEqual([
      expect.stringMatching(/^a\.yaml:2:39 listeners\.0\.tls\.cert: is not usable with its key: /),
      expect.stringMatching(/^a\.yaml:3:47 providers\.m365\.clientCertificate\.ca: holds no certificate: /),
    ])
    writeFileSync(join(directory, 'key.pem'), one.key)
    writeFileSync(join(directory, 'ca.pem'), authority.pem)
    expect(told(text)).toEqual([])
  })
})

test('a grace may be none at all, which no other duration may', () => {
  expect(load('proof: { grace: 0 }').proof.grace).toBe(0)
  expect(load('proof: { grace: 36h }').proof.grace).toBe(36 * 3_600_000)
  expect(problems('proof: { grace: 1 }\nretention: { ledger: 0s }')).toEqual([
    expect.stringContaining('a.yaml:1:17 proof.grace: '),
    'a.yaml:2:22 retention.ledger: must be a whole number with a unit: ms, s, m, h or d',
  ])
})

describe('the environment', () => {
  test('replaces variables in scalars of any form, with the type that the value has there', () => {
    const config = load(
      'hostname: ${NAME}.example.net\nlimits: { maxRecipients: ${COUNT} }\nlisteners: [{ name: "${LISTENER}", port: 0 }]\n',
      {
        NAME: 'mx',
        COUNT: '12',
        LISTENER: 'in',
      },
    )
    expect(config).toMatchObject({
      hostname: 'mx.example.net',
      limits: { maxRecipients: 12 },
      listeners: [{ name: 'in' }],
    })
  })

  test('cannot inject structure, and $${ stands for itself', () => {
    expect(load('dataDir: ${X}', { X: 'a\nworkers: 2 # ${Y}' }).dataDir).toBe(join(directory, 'a\nworkers: 2 # ${Y}'))
    expect(load('dataDir: a$${X}').dataDir).toBe(join(directory, 'a${X}'))
  })

  test('a missing variable is named, once, with its place; keys and comments are left alone', () => {
    expect(problems('# ${COMMENT}\nlimits:\n  maxRecipients: ${NOT_THERE}\n')).toEqual([
      'a.yaml:3:18 limits.maxRecipients: the environment variable NOT_THERE is not set',
    ])
    expect(problems('${KEY}: 1', { KEY: 'workers' })).toEqual(['a.yaml:1:1 ${KEY}: there is no such key'])
    expect(problems('dataDir: "${constructor}${toString}"')).toEqual([
      'a.yaml:1:10 dataDir: the environment variable constructor is not set',
      'a.yaml:1:10 dataDir: the environment variable toString is not set',
    ])
  })

  test('a value never shows in a problem', () => {
    const told = problems('store: { url: "${URL}" }\ncontrol: { publicUrl: "${URL}" }\nhostname: "${URL}"', {
      URL: 'ftp://u:hunter2@h',
    })
    expect(told).toHaveLength(3)
    expect(told.join()).not.toContain('hunter2')
  })
})

describe('problems', () => {
  test('are all told at once, in the order of the file', () => {
    expect(
      problems(`hostname: -x
operatr: 1
listeners:
  - { name: upstream, port: "x", requireTls: true }
  - { name: upstream, port: 25, auth: true, tls: null }
workers: 33
`),
    ).toEqual([
      'a.yaml:1:11 hostname: the domain has a malformed label',
      'a.yaml:2:1 operatr: there is no such key',
      'a.yaml:4:29 listeners.0.port: must be a number',
      'a.yaml:4:46 listeners.0.requireTls: needs tls',
      'a.yaml:5:13 listeners.1.name: another listener has this name',
      'a.yaml:5:39 listeners.1.auth: needs tls: passwords are taken only over TLS',
      'a.yaml:6:10 workers: must be at most 32',
    ])
  })

  test.each([
    // What this version cannot do yet.
    ['workers: 0', 'a.yaml:1:10 workers: must be at least 1'],
    ['listeners: [{ name: a, port: 1, role: feedback }]', 'listeners: one listener must be of role relay'],
    [
      'listeners: [{ name: a, port: 1 }, { name: b, port: 2, role: feedback, auth: true, tls: { cert: a, key: b } }]',
      'auth: is for relay listeners: nobody signs in to send a report',
    ],
    [
      'listeners: [{ name: a, port: 1, proxyProtocolFrom: [0.0.0.0/0] }]',
      'proxyProtocolFrom.0: names every address; list the proxies',
    ],
    ['store: { url: "postgres://h/d" }', 'store.url: this version keeps its records in SQLite only'],
    // What would open something.
    ['control: { host: 0.0.0.0 }', 'control.host: plain HTTP is for loopback only'],
    ['control: { publicUrl: "http://console.example.net" }', 'control.publicUrl: plain HTTP is for loopback only'],
    ['control: { trustProxyFrom: [0.0.0.0/0] }', 'control.trustProxyFrom.0: names every address'],
    ['providers: { m365: { networks: [40.0.0.0/11] } }', 'providers.m365.networks.0: is wider than /12'],
    ['providers: { m365: { networks: ["2a00::/31"] } }', 'providers.m365.networks.0: is wider than /32'],
    ['providers: { google: { networks: [0.0.0.0/0] } }', 'providers.google.networks.0: is wider than /12'],
    [
      'providers: { m365: { clientCertificate: { required: false } } }',
      'required: must be true: an address alone proves no provider',
    ],
    ['listeners: []', 'listeners: a relay needs a listener'],
    // What cannot be meant.
    [
      'listeners: [{ name: a, port: 1 }, { name: b, port: 1 }]',
      'listeners.1.port: another listener has this address and port',
    ],
    ['listeners: [{ name: a, port: 8025 }]', 'listeners.0.port: control has this address and port'],
    ['listeners: [{ name: a }]', 'listeners.0.port: is missing; it must be a number'],
    ['listeners: [{ name: a, port: 70000 }]', 'listeners.0.port: must be 0 to 65535'],
    ['listeners: [{ name: a, port: 1, host: relay.example }]', 'listeners.0.host: must be an IP address or localhost'],
    ['delivery: { retry: { first: 60 } }', 'delivery.retry.first: must be a text'],
    ['delivery: { retry: { first: 1w } }', 'delivery.retry.first: must be a whole number with a unit'],
    ['delivery: { retry: { first: 0s } }', 'delivery.retry.first: must be a whole number with a unit'],
    ['delivery: { retry: { first: 2h, max: 1h } }', 'delivery.retry.max: is shorter than first'],
    ['delivery: { retry: { factor: 0.5 } }', 'delivery.retry.factor: must be 1 or more'],
    [
      'delivery: { routes: [{ domain: "*", host: a }, { domain: "*", host: b }] }',
      'delivery.routes.1.domain: another route has this domain',
    ],
    [
      'delivery: { routes: [{ domain: "a.*", host: a }] }',
      'delivery.routes.0.domain: the domain has a malformed label',
    ],
    ['limits: { maxMessageBytes: 50MB }', 'limits.maxMessageBytes: must be a number'],
    ['limits: { maxRecipients: 0 }', 'limits.maxRecipients: must be 1 or more'],
    ['limits:', 'limits: is empty; it must be a mapping'],
    ['dns: { servers: ["resolver.example"] }', 'dns.servers.0: must be an IP address'],
    ['keys: { wrapping: "vault:x" }', 'keys.wrapping: must be file:PATH, env:NAME or command:COMMAND'],
    ['keys: { rotateAfter: 29d }', 'keys.rotateAfter: must be off, or at least 30d'],
    ['keys: { rotateAfter: yearly }', 'keys.rotateAfter: must be off, or at least 30d'],
    ['feedback: { addresses: [nobody] }', 'feedback.addresses.0: is not an e-mail address'],
    ['log: { level: loud }', 'log.level: must be "debug" or "info" or "warn" or "error"'],
    ['workers: 1\nworkers: 1', 'a.yaml:2:1 Map keys must be unique'],
    ['a: [', 'a.yaml:1:'],
    ['- a list', 'a.yaml:1:1 must be a mapping'],
    ['listeners: { name: a, port: 1 }', 'a.yaml:1:12 listeners: must be a list'],
    ['delivery: { routes: { domain: "*", host: a } }', 'a.yaml:1:21 delivery.routes: must be a list'],
    ['"work\\ners": 1', 'a.yaml:1:1 work\\u{a}ers: there is no such key'],
    ['dataDir: *nowhere', 'an alias (*name) has no anchor'],
    ['dataDir: !!binary aGk=', 'a.yaml:1:'],
  ])('%s', (text, expected) => {
    const told = problems(text)
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(expected)
  })

  test('a text that is no YAML is one problem, not one for every token', () => {
    expect(problems('limits: { maxRecipients: { a } } }\nlog: { level: info }\nworkers: 1\n')).toHaveLength(1)
  })
})
