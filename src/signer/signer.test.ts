import { spawn, spawnSync } from 'node:child_process'
import { createHash, verify } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { PermitRecord } from '../path/decision/decision.ts'
import type { Log } from '../platform/log.ts'
import { isSyntaxFault } from '../standards/fault.ts'
import { parseKeyRecord, publicKeyOf } from '../standards/dkim/key-record.ts'
import { RelaxedBodyHash } from '../standards/dkim/relaxed-body-hash.ts'
import type { SignerOptions } from './client.ts'
import type { GeneratedKey } from './generate.ts'
import { type SignerClient, ensureWrappingKey, generateKeys, startSigner } from './index.ts'
import { permissionArguments } from './launch.ts'
import type { SigningAnswer } from './protocol.ts'
import {
  type FixedPolicy,
  changeBetween,
  draftFor,
  newSealKey,
  plainHeader,
  requestFor,
  sourceOf,
} from './request.fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'anechoic-signer-'))
const wrapping = `file:${join(directory, 'wrapping.key')}`
const sealKey = newSealKey()
const acme = { domain: 'acme.example', source: 'acme-m365', customer: 'acme' }

let keys: readonly GeneratedKey[]
let policy: FixedPolicy
const running: SignerClient[] = []
/** For the tests that leave it as they found it; the others start one of their own. */
let shared: SignerClient & { readonly pid: number }

beforeAll(async () => {
  ensureWrappingKey(wrapping)
  keys = await generateKeys(wrapping, [
    { ...acme, selector: 'rsa-1', algorithm: 'rsa-sha256' },
    { ...acme, selector: 'ed-1', algorithm: 'ed25519-sha256' },
  ])
  policy = { version: 7, grants: [{ ...acme, subdomains: false }], keys }
  shared = await startReady()
  running.length = 0
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((client) => client.close()))
})

afterAll(async () => {
  await shared.close()
  rmSync(directory, { recursive: true })
})

const lines: string[] = []
const log: Log = {
  debug: (message) => lines.push(message),
  info: (message) => lines.push(message),
  warn: (message) => lines.push(message),
  error: (message) => lines.push(message),
  child: () => log,
}

function start(options: Partial<SignerOptions> = {}): SignerClient {
  const client = startSigner({ wrapping, sealKey, ...options }, log)
  running.push(client)
  client.follow(sourceOf(policy))
  return client
}

async function startReady(options: Partial<SignerOptions> = {}): Promise<SignerClient & { readonly pid: number }> {
  const client = start(options)
  await client.ready()
  if (client.pid === null) throw new Error('the signer has no process')
  return client as SignerClient & { readonly pid: number }
}

function ask(client: SignerClient): Promise<SigningAnswer> {
  return client.sign(requestFor(sealKey, draftFor()))
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 25_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function lives(pid: number): boolean {
  try {
    // A process that ended and waits for its parent is a zombie: its command line is empty.
    return readFileSync(`/proc/${pid}/cmdline`).length > 0
  } catch {
    return false
  }
}

describe('the signer process', () => {
  it('signs whole messages that a verifier of others passes', async () => {
    const client = shared
    const body = Buffer.from('Hello  there \r\n\r\n')
    const hash = new RelaxedBodyHash()
    hash.update(body)
    const bodyHash = hash.digest()
    let message = Buffer.concat([Buffer.from(`${plainHeader}\r\n`), body])
    for (const { selector, algorithm } of keys) {
      const draft = draftFor({ selector, algorithm, bodyHash })
      const answer = await client.sign(requestFor(sealKey, draft, { selector }))
      if (answer.kind !== 'signature') throw new Error(answer.reason)
      message = Buffer.concat([draft.complete(answer.signature), message])
    }
    const { results } = await dkimVerify(message, {
      resolver: (name: string) => {
        const key = keys.find((one) => name === `${one.selector}._domainkey.${one.domain}`)
        return key === undefined ? Promise.reject(new Error(name)) : Promise.resolve([[key.publicRecord]])
      },
    })
    expect(results.map((one: { status: { result: string } }) => one.status.result)).toEqual(['pass', 'pass'])
  })

  it('answers many requests at once, each its own', async () => {
    const client = shared
    const publicKey = publicKeyOf(recordOf(keys[0] as GeneratedKey))
    if (isSyntaxFault(publicKey)) throw new Error(publicKey.reason)
    const requests = Array.from({ length: 200 }, (_none, index) =>
      requestFor(sealKey, draftFor({ header: plainHeader.replace('hello', `hello ${index}`) })),
    )
    const answers = await Promise.all(requests.map((request) => client.sign(request)))
    for (const [index, answer] of answers.entries()) {
      if (answer.kind !== 'signature') throw new Error(answer.reason)
      expect(verify('sha256', (requests[index] as { input: Buffer }).input, publicKey, answer.signature)).toBe(true)
    }
  })

  it('refuses a permit of another boot, and one whose grant is gone', async () => {
    const client = await startReady()
    expect(await client.sign(requestFor(newSealKey(), draftFor()))).toMatchObject({ kind: 'refused' })
    expect(await ask(client)).toMatchObject({ kind: 'signature' })
    client.update(changeBetween(policy, { ...policy, version: 8, grants: [] }))
    expect(await ask(client)).toMatchObject({ kind: 'refused' })
  })

  it('is given a key when that is first to sign, once, and none that may not', async () => {
    const asked: string[] = []
    const source = sourceOf(policy)
    const client = startSigner({ wrapping, sealKey }, log)
    running.push(client)
    client.follow({
      ...source,
      activeKey: (name) => {
        asked.push(name.selector)
        return source.activeKey(name)
      },
    })
    await client.ready()
    expect(asked).toEqual([])
    const answers = await Promise.all([ask(client), ask(client), ask(client)])
    expect(answers.map((answer) => answer.kind)).toEqual(['signature', 'signature', 'signature'])
    expect((await ask(client)).kind).toBe('signature')
    expect(asked).toEqual(['rsa-1'])
    const none = await client.sign(requestFor(sealKey, draftFor({ selector: 'none' }), { selector: 'none' }))
    expect(none).toEqual({ kind: 'unavailable', reason: 'the signer has no key under this selector' })
    expect(() => client.follow(source)).toThrow('already')
  })

  it('signs no more with a key that is lost, even when it was just being read', async () => {
    const reading: (() => void)[] = []
    let isActive = true
    const client = startSigner({ wrapping, sealKey }, log)
    running.push(client)
    client.follow({
      copy: sourceOf(policy).copy,
      activeKey: async (name) => {
        const key = isActive ? await sourceOf(policy).activeKey(name) : null
        await new Promise<void>((resolve) => reading.push(resolve))
        return key
      },
    })
    await client.ready()
    const early = ask(client)
    await until(() => reading.length === 1)
    isActive = false
    client.update(changeBetween(policy, { ...policy, version: 8, keys: [] }))
    reading[0]?.()
    expect(await early).toMatchObject({ kind: 'unavailable' })
    const late = ask(client)
    await until(() => reading.length === 2)
    reading[1]?.()
    expect(await late).toMatchObject({ kind: 'unavailable' })
  })

  it('without its keys in reach is only unavailable', async () => {
    const client = startSigner({ wrapping, sealKey }, log)
    running.push(client)
    client.follow({ copy: sourceOf(policy).copy, activeKey: () => Promise.reject(new Error('no store')) })
    await client.ready()
    expect(await ask(client)).toEqual({ kind: 'unavailable', reason: 'the key could not be read' })
  })

  it('is told of changes that come while it is given a long policy, after it', async () => {
    const many = Array.from({ length: 30_000 }, (_, at) => ({ ...acme, domain: `d${at}.example`, subdomains: false }))
    const client = startSigner({ wrapping, sealKey }, log)
    running.push(client)
    client.follow(sourceOf({ ...policy, grants: [...policy.grants, ...many] }))
    client.update({ version: 8, grants: [], lostGrants: [...policy.grants], lostKeys: [] })
    await client.ready()
    await until(async () => (await ask(client)).kind !== 'unavailable')
    expect(await ask(client)).toMatchObject({ kind: 'refused' })
  })

  it('killed under load, answers unavailable, comes back, and signs again', async () => {
    const client = await startReady()
    const kinds = { signature: 0, refused: 0, unavailable: 0 }
    let stop = false
    const load = Array.from({ length: 20 }, async () => {
      while (!stop) {
        kinds[(await ask(client)).kind]++
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    for (let kill = 0; kill < 3; kill++) {
      const before = kinds.signature
      await until(() => kinds.signature > before + 50)
      const pid = client.pid as number
      process.kill(pid, 'SIGKILL')
      await until(() => client.pid !== null && client.pid !== pid)
    }
    const before = kinds.signature
    await until(() => kinds.signature > before + 50)
    stop = true
    await Promise.all(load)
    expect(kinds.unavailable).toBeGreaterThan(0)
    expect(kinds.refused).toBe(0)
  }, 90_000)

  it('does not let a request wait for ever, nor too many of them', async () => {
    const client = await startReady({ answerTimeoutMs: 300, maxWaiting: 2 })
    process.kill(client.pid, 'SIGSTOP')
    const began = performance.now()
    const answers = await Promise.all([ask(client), ask(client), ask(client)])
    expect(answers.map((answer) => (answer.kind === 'unavailable' ? answer.reason : answer.kind))).toEqual([
      'the signer did not answer in time',
      'the signer did not answer in time',
      'too many requests wait for the signer',
    ])
    expect(performance.now() - began).toBeLessThan(10_000)
    process.kill(client.pid, 'SIGCONT')
    await until(async () => (await ask(client)).kind === 'signature')
  })

  it('ends when its client closes, and answers unavailable from then on', async () => {
    const client = await startReady()
    const { pid } = client
    const inFlight = ask(client)
    await client.close()
    expect(lives(pid)).toBe(false)
    expect(['signature', 'unavailable']).toContain((await inFlight).kind)
    expect((await ask(client)).kind).toBe('unavailable')
  })

  it('ends when its relay is killed', async () => {
    const script = `
      import { startSigner } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
      import { Secret } from ${JSON.stringify(join(import.meta.dirname, '../standards/secret.ts'))}
      const log = { info() {}, error() {} }
      const client = startSigner({ wrapping: ${JSON.stringify(wrapping)}, sealKey: new Secret(Buffer.alloc(32, 1)) }, log)
      await client.ready()
      console.log(client.pid)
    `
    const relay = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void relay.kill('SIGKILL'))
    const [printed] = (await once(relay.stdout, 'data')) as [Buffer]
    const pid = Number(printed.toString())
    expect(lives(pid)).toBe(true)
    relay.kill('SIGKILL')
    await until(() => !lives(pid))
  })

  it('stays when its group is told to end: the relay drains first', async () => {
    const client = shared
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.kill(client.pid, signal)
    const { pid } = client
    expect((await ask(client)).kind).toBe('signature')
    expect(client.pid).toBe(pid)
  })

  it('without a readable wrapping key never stands ready, and says so', async () => {
    const path = join(directory, 'short.key')
    writeFileSync(path, 'short')
    const client = start({ wrapping: `file:${path}` })
    await until(() => client.pid === null)
    expect((await ask(client)).kind).toBe('unavailable')
    expect(lines).toContain('the signer is gone; starting another')
    expect(() => startSigner({ wrapping: 'nonsense', sealKey }, log)).toThrow('keys.wrapping')
  })

  it('takes its wrapping key from the environment or from a command as well', async () => {
    process.env['ANECHOIC_TEST_SIGNER_WRAPPING'] = readFileSync(join(directory, 'wrapping.key'), 'utf8')
    onTestFinished(() => void delete process.env['ANECHOIC_TEST_SIGNER_WRAPPING'])
    const places = ['env:ANECHOIC_TEST_SIGNER_WRAPPING', `command:cat ${join(directory, 'wrapping.key')}`]
    const clients = await Promise.all(places.map((place) => startReady({ wrapping: place })))
    for (const client of clients) expect(await ask(client)).toMatchObject({ kind: 'signature' })
  })
})

describe('making keys', () => {
  it('gives records whose public key is that of the wrapped one, and nothing unwrapped', () => {
    for (const key of keys) {
      expect(key.publicRecord).toBe(`v=DKIM1; k=${key.selector === 'ed-1' ? 'ed25519' : 'rsa'}; p=${key.p}`)
      expect(Object.keys(key).toSorted()).toEqual([
        'algorithm',
        'customer',
        'domain',
        'p',
        'publicRecord',
        'selector',
        'source',
        'wrapped',
      ])
    }
    expect(keys.map((key) => key.selector)).toEqual(['rsa-1', 'ed-1'])
    const rsa = publicKeyOf(recordOf(keys[0] as GeneratedKey))
    if (isSyntaxFault(rsa)) throw new Error(rsa.reason)
    expect(rsa.asymmetricKeyDetails?.modulusLength).toBe(2048)
  })

  it('makes longer keys when asked, none when nothing is asked, and fails in words', async () => {
    const [key] = await generateKeys(wrapping, [{ ...acme, selector: 'long', algorithm: 'rsa-sha256', bits: 3072 }])
    const long = publicKeyOf(recordOf(key as GeneratedKey))
    if (isSyntaxFault(long)) throw new Error(long.reason)
    expect(long.asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(await generateKeys(wrapping, [])).toEqual([])
    const order = { ...acme, selector: 'short', algorithm: 'rsa-sha256', bits: 512 as 2048 } as const
    await expect(generateKeys(wrapping, [order])).rejects.toThrow('the signer gave up: it ended with 70')
  })
})

describe('the powers of the signer', () => {
  const major = Number(process.versions.node.split('.')[0])
  const probe = `
    const tries = {
      read: () => process.getBuiltinModule('fs').readFileSync('/etc/passwd'),
      list: () => process.getBuiltinModule('fs').readdirSync('/'),
      write: () => process.getBuiltinModule('fs').writeFileSync(${JSON.stringify(join(directory, 'written'))}, 'x'),
      spawn: () => process.getBuiltinModule('child_process').execFileSync('/bin/true'),
      worker: () => new (process.getBuiltinModule('worker_threads').Worker)('0', { eval: true }),
      inspector: () => process.getBuiltinModule('inspector').open(0),
      addon: () => process.dlopen({ exports: {} }, '/lib/none.node'),
      connect: () => new Promise((resolve, reject) => {
        process.getBuiltinModule('net').connect(9, '127.0.0.1').on('error', (error) => error.code === 'ECONNREFUSED' ? resolve() : reject(error)).on('connect', resolve)
      }),
      listen: () => new Promise((resolve, reject) => {
        process.once('uncaughtException', reject)
        const server = process.getBuiltinModule('net').createServer().on('error', reject).listen(0, '127.0.0.1', () => server.close(resolve))
      }),
    }
    const found = {}
    for (const [name, attempt] of Object.entries(tries)) {
      try { await attempt(); found[name] = 'allowed' } catch (error) { found[name] = error.code }
    }
    process.stdout.write(JSON.stringify(found), () => process.exit())
  `

  function probed(place: string): { readonly [name: string]: string } {
    const flags = permissionArguments(
      place === 'command' ? { kind: 'command', line: 'true' } : { kind: 'file', path: join(directory, 'wrapping.key') },
    )
    const run = spawnSync(process.execPath, [...flags, '--no-warnings', '--input-type=module', '-e', probe], {
      encoding: 'utf8',
    })
    return JSON.parse(run.stdout) as { readonly [name: string]: string }
  }

  it('are none but reading its own code: no file, no program, no thread, no inspector, no addon; on Node.js 26 no socket', () => {
    const denied = 'ERR_ACCESS_DENIED'
    const network = major >= 26 ? denied : 'allowed'
    expect(probed('file')).toEqual({
      read: denied,
      list: denied,
      write: denied,
      spawn: denied,
      worker: denied,
      inspector: denied,
      addon: 'ERR_DLOPEN_DISABLED',
      connect: network,
      listen: network,
    })
  })

  it('take in one program only when the wrapping key comes from one', () => {
    expect(probed('command')).toMatchObject({ spawn: 'allowed', read: 'ERR_ACCESS_DENIED', write: 'ERR_ACCESS_DENIED' })
  })

  it('leave it no file, no socket and no core dump while it runs', async () => {
    const client = shared
    expect((await ask(client)).kind).toBe('signature')
    const descriptors = `/proc/${client.pid}/fd`
    const others = readdirSync(descriptors)
      .filter((descriptor) => Number(descriptor) > 2)
      .map((descriptor) => readlinkSync(join(descriptors, descriptor)))
    expect(
      others.filter(
        (target) => !target.startsWith('anon_inode:') && !target.startsWith('pipe:') && target !== '/dev/null',
      ),
    ).toEqual([])
    expect(readFileSync(`/proc/${client.pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m)
    const environment = readFileSync(`/proc/${client.pid}/environ`, 'utf8')
      .split('\0')
      .filter((entry) => entry !== '')
    expect(environment.map((entry) => entry.split('=')[0]).filter((name) => name !== 'PWD' && name !== '_')).toEqual([
      'UV_THREADPOOL_SIZE',
    ])
  })
})

describe('sign()', () => {
  it('does not compile without a sealed permit, and refuses what is cast into one', async () => {
    const client = shared
    const { signingInput: input } = draftFor()
    const fields = {
      ...acme,
      selector: 'rsa-1',
      policyVersion: 7,
      expiresAt: Date.now() + 50_000,
      inputHash: createHash('sha256').update(input).digest(),
      mac: Buffer.alloc(32),
    }
    // @ts-expect-error a record with all the fields of a sealed permit is none
    const bare = client.sign({ permit: fields, input })
    expect((await bare).kind).toBe('refused')
    const stored = { ...fields, id: 'x', grant: 'g', class: 'hosted', mintedAt: 0 } as unknown as PermitRecord
    // @ts-expect-error a permit, before rejudge(), is none
    const unjudged = client.sign({ permit: { ...fields, ...stored }, input })
    expect((await unjudged).kind).toBe('refused')
    // @ts-expect-error nothing at all is none
    await expect(client.sign({ input })).rejects.toThrow(TypeError)
  })
})

function recordOf(key: GeneratedKey) {
  const record = parseKeyRecord(key.publicRecord)
  if (isSyntaxFault(record)) throw new Error(record.reason)
  return record
}
