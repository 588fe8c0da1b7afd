import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../world/free-port.ts'
import { SmtpClient } from '../world/smtp-client.ts'
import { type Instance, endInstances, entry, startInstance, until } from './instance.ts'

const directory = mkdtempSync(join(tmpdir(), 'anechoic-life-'))

const policy = `customers:
  - id: acme
    name: Acme
    domains: [{ name: acme.example, proof: asserted, approvedBy: admin@relay.example, reason: a test }]
    sources: [{ id: plant, kind: network, networks: [127.0.0.1/32] }]
    grants: [{ source: plant, domains: [acme.example], classes: [hosted], approvedBy: admin@acme.example, reason: a test }]
`

/** A configuration on free ports, with a data directory of its own. */
function configFor(name: string, more = ''): string {
  const file = join(directory, `${name}.yaml`)
  writeFileSync(
    file,
    `hostname: relay.lab.example
dataDir: ./${name}
listeners: [{ name: upstream, port: 0 }]
control: { port: 0 }
dns: { servers: ["127.0.0.1:1"], timeoutMs: 100 }
${more}`,
  )
  return file
}

afterAll(async () => {
  await endInstances()
  rmSync(directory, { recursive: true, force: true })
})

async function isReady(instance: Instance): Promise<boolean> {
  return fetch(`http://127.0.0.1:${instance.port('http')}/readyz`).then(
    (answer) => answer.ok,
    () => false,
  )
}

async function greets(port: number): Promise<boolean> {
  return SmtpClient.open({ host: '127.0.0.1', port, from: '127.0.0.1', greeting: 'client.example' }).then(
    async (client) => {
      await client.quit()
      return true
    },
    () => false,
  )
}

describe('an instance', { timeout: 60_000 }, () => {
  let instance: Instance
  beforeAll(async () => {
    instance = startInstance({ config: configFor('one') })
    await instance.ready
  }, 60_000)

  test('says on standard output what it listens on, SMTP last, then that it is ready, and nothing else', () => {
    expect(instance.said.out).toMatch(/^listening http 127\.0\.0\.1:\d+\nlistening smtp 127\.0\.0\.1:\d+\nready\n$/)
    for (const line of instance.said.err.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
  })

  test('keeps its data from everybody else', () => {
    expect(statSync(join(directory, 'one')).mode & 0o077).toBe(0)
    expect(statSync(join(directory, 'one/run/control.json')).mode & 0o077).toBe(0)
  })

  test('is one process group under one supervisor', async () => {
    await instance.find('signer')
    const all = instance.processes()
    expect(all.map((one) => one.name).toSorted()).toEqual(['control', 'other', 'relay', 'signer'])
    const parentOf = (name: string): string | undefined => {
      const parent = all.find((one) => one.name === name)?.parent
      return parent === instance.pid ? 'supervisor' : all.find((one) => one.pid === parent)?.name
    }
    expect(['control', 'relay', 'signer'].map(parentOf)).toEqual(['supervisor', 'supervisor', 'relay'])
  })

  test.each(['control', 'relay', 'signer'])('%s is there again after kill -9, where it was', async (name) => {
    const before = await instance.find(name)
    process.kill(before, 'SIGKILL')
    const after = await instance.find(name, before)
    expect(after).not.toBe(before)
    await until(() => isReady(instance), 'readiness')
    expect(await greets(instance.port('smtp'))).toBe(true)
    await instance.find('signer')
  })

  test('a relay that is killed takes its signer with it', async () => {
    const [relay, signer] = [await instance.find('relay'), await instance.find('signer')]
    process.kill(relay, 'SIGKILL')
    await until(() => !instance.processes().some((one) => one.pid === signer), 'the end of the signer')
  })

  test('kill -9 of the supervisor ends all of it, and a start right after works', async () => {
    await until(() => isReady(instance), 'readiness')
    process.kill(instance.pid, 'SIGKILL')
    const next = startInstance({ config: join(directory, 'one.yaml') })
    await until(() => instance.processes().length === 0, 'the end of all processes')
    await next.ready
    next.signal('SIGTERM')
    expect(await next.ended).toBe(0)
    expect(next.processes()).toEqual([])
  })
})

describe('stopping', { timeout: 60_000 }, () => {
  test('before it is ready is a stop', async () => {
    const instance = startInstance({ config: configFor('early') })
    await instance.find('relay')
    instance.signalGroup('SIGTERM')
    expect(await instance.ended).toBe(0)
    expect(instance.processes()).toEqual([])
  })

  test('finishes a message that is on its way in, tells the others 421, and gives its place to the next', async () => {
    const [http, smtp] = [await freePort(), await freePort()]
    writeFileSync(join(directory, 'policy.yaml'), policy)
    const file = join(directory, 'fixed.yaml')
    writeFileSync(
      file,
      `dataDir: ./fixed\nlisteners: [{ name: upstream, port: ${smtp} }]\ncontrol: { port: ${http} }\npolicy: ./policy.yaml\n`,
    )
    const instance = startInstance({ config: file })
    await instance.ready
    const open = { host: '127.0.0.1', port: smtp, from: '127.0.0.1', greeting: 'client.example' }
    const [busy, idle] = [await SmtpClient.open(open), await SmtpClient.open(open)]
    await busy.command('MAIL FROM:<a@acme.example>')
    await busy.command('RCPT TO:<b@dest.example>')
    expect(await busy.command('DATA')).toMatchObject({ code: 354 })
    instance.signal('SIGTERM')
    expect(await idle.reply()).toMatchObject({ code: 421 })
    const next = startInstance({ config: file })
    busy.write('From: a@acme.example\r\n\r\nbody\r\n.\r\n')
    // Judged to its end: everything is granted, and only the record of the key is not in DNS.
    expect((await busy.reply()).text).toContain('[key-not-ready]')
    expect(await instance.ended).toBe(0)
    await next.ready
    next.signalGroup('SIGINT')
    setTimeout(() => next.processes().length > 0 && next.signalGroup('SIGINT'), 20)
    expect(await next.ended).toBe(0)
    expect(next.processes()).toEqual([])
  })
})

describe.concurrent('a start that can not be', { timeout: 60_000 }, () => {
  let squatter: Server
  let taken: number
  beforeAll(async () => {
    squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    taken = (squatter.address() as { readonly port: number }).port
  })
  afterAll(() => {
    squatter.close()
  })

  test('a port that stays taken, SMTP or HTTP: exit 2 and one clear line', async () => {
    const ports = {
      smtp: `listeners: [{ name: upstream, port: PORT }]\ncontrol: { port: 0 }`,
      http: `control: { port: PORT }\nlisteners: [{ name: upstream, port: 0 }]`,
    }
    const runs = Object.entries(ports).map(async ([what, text]) => {
      const file = join(directory, `taken-${what}.yaml`)
      writeFileSync(file, `dataDir: ./taken-${what}\nlog: { level: error }\n${text.replace('PORT', String(taken))}\n`)
      const instance = startInstance({ config: file })
      expect(await instance.ended).toBe(2)
      expect(instance.said.out).toBe('')
      expect(plainLines(instance)).toEqual([`can not listen on ${what} 127.0.0.1:${taken}: another process has it`])
      expect(instance.processes()).toEqual([])
    })
    await Promise.all(runs)
  })

  test('a data directory that another holds: it waits, then says so', async () => {
    const first = startInstance({ config: configFor('held') })
    await first.ready
    const began = performance.now()
    const second = startInstance({ config: join(directory, 'held.yaml') })
    expect(await second.ended).toBe(2)
    expect(performance.now() - began).toBeGreaterThan(9_000)
    expect(second.said.out).toBe('')
    expect(second.said.err).toMatch(
      /^dataDir \S+\/held is in use by another running instance: stop that one, or give this one another dataDir\n$/,
    )
  })

  test.each([
    [
      'a configuration with errors',
      'colour: red\nlisteners: []\n',
      [/^\S+:1:1 colour: there is no such key$/, /^\S+:2:12 listeners: a relay needs a listener$/],
    ],
    [
      'a certificate that is not there',
      'listeners: [{ name: upstream, port: 0, tls: { cert: ./none.pem, key: ./none.pem } }]\n',
      [
        /^\S+:1:53 listeners\.0\.tls\.cert: cannot be read: ENOENT.*none\.pem'$/,
        /^\S+:1:70 listeners\.0\.tls\.key: cannot be read: ENOENT.*none\.pem'$/,
      ],
    ],
    ['a data directory that is a file', 'dataDir: ./squatter.txt\n', [/^dataDir \S+squatter\.txt can not be used: /]],
    [
      'a wrapping key that is none',
      'keys: { wrapping: file:./squatter.txt }\n',
      [/^signer: the wrapping key \(file\) is not 32 octets/, /^keys\.wrapping: the signer does not start with it/],
    ],
  ])('%s: exit 2, and why', async (what, text, words) => {
    const name = what.replaceAll(' ', '-')
    writeFileSync(join(directory, 'squatter.txt'), 'no key\n')
    const file = join(directory, `${name}.yaml`)
    const rest = [
      `dataDir: ./${name}`,
      'listeners: [{ name: upstream, port: 0 }]',
      'control: { port: 0 }',
      'log: { level: error }',
    ]
    const lines = rest.filter((line) => !text.includes(line.slice(0, line.indexOf(':') + 1)))
    writeFileSync(file, `${text}${lines.join('\n')}\n`)
    const instance = startInstance({ config: file })
    expect(await instance.ended, instance.said.err).toBe(2)
    expect(instance.said.out).toBe('')
    expect([...new Set(plainLines(instance))]).toEqual(words.map((one) => expect.stringMatching(one)))
  })
})

test(
  'with no configuration at all: ./data, SMTP on 127.0.0.1:2525, HTTP on 127.0.0.1:8025',
  { timeout: 60_000 },
  async () => {
    const cwd = mkdtempSync(join(directory, 'bare-'))
    const instance = startInstance({ cwd })
    await instance.ready
    expect(instance.said.out).toBe('listening http 127.0.0.1:8025\nlistening smtp 127.0.0.1:2525\nready\n')
    expect(existsSync(join(cwd, 'data/anechoic.db'))).toBe(true)
    expect(existsSync(join(cwd, 'data/wrapping.key'))).toBe(true)
    const idle = await SmtpClient.open({ host: '127.0.0.1', port: 2525, from: '127.0.0.1', greeting: 'idle.example' })
    const began = performance.now()
    instance.signalGroup('SIGTERM')
    expect(await idle.reply()).toMatchObject({ code: 421 })
    expect(await instance.ended).toBe(0)
    // 500 ms on a machine that has nothing else to do.
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(instance.processes()).toEqual([])
    expect(existsSync(join(cwd, 'data/run/control.json'))).toBe(false)
  },
)

test('kill -9 of the process that boots it on an older Node.js ends all of it', { timeout: 60_000 }, async () => {
  const instance = startInstance({ config: configFor('old'), command: olderNode() })
  await instance.ready
  expect(instance.processes()).toHaveLength(5)
  process.kill(instance.pid, 'SIGKILL')
  await until(() => instance.processes().length === 0, 'the end of all processes')
})

/** What it says to a person, between the lines of its log. */
function plainLines(instance: Instance): readonly string[] {
  const lines = instance.said.err.split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('{'))
}

/** The machine's own Node.js where it is too old for us, else the boot's way of starting another, done by this one. */
function olderNode(): readonly [string, ...string[]] {
  for (const node of ['/usr/bin/node', '/usr/local/bin/node']) {
    if (existsSync(node) && majorOf(node) < 24) return [node, entry]
  }
  const boot = join(import.meta.dirname, '../../scripts/boot/child.js')
  const main = join(import.meta.dirname, '../../src/main.ts')
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc']
  const script = `import { runChild } from ${JSON.stringify(boot)}
    const { code } = await runChild(process.execPath, [${JSON.stringify(main)}, ...process.argv.slice(1)], { stdio: ${JSON.stringify(stdio)} })
    process.exit(code)`
  return [process.execPath, '--input-type=module', '-e', script]
}

function majorOf(node: string): number {
  return Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1])
}
